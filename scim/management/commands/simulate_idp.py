"""Provision a person as an IdP would."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import httpx2
from django.core.management.base import BaseCommand, CommandError

from scim.simulation import DIALECTS, PARTS, Person, play


class Command(BaseCommand):
    """Sends a recorded conversation to a SCIM base URL and shows each step."""

    help = "Play a realistic conversation of an IdP with a SCIM gateway."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("url", help="The SCIM Gateway URL.")
        parser.add_argument("token", help="The token of the gateway.")
        parser.add_argument("--dialect", choices=DIALECTS, default="okta")
        parser.add_argument(
            "--part",
            choices=PARTS,
            action="append",
            help="What happens to the person; repeat for several. "
            "Joiner and mover if left out.",
        )
        parser.add_argument("--user-name", default=Person().user_name)
        parser.add_argument("--group", default=Person().group)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Play it, and say where it stopped if it did."""
        person = Person(user_name=options["user_name"], group=options["group"])
        parts = _with_what_comes_before(options["part"] or ["joiner", "mover"])
        base = options["url"].rstrip("/")
        with httpx2.Client(
            headers={"Authorization": f"Bearer {options['token']}"}, timeout=60
        ) as client:

            def send(
                method: str, path: str, headers: dict[str, str], body: bytes | None
            ) -> tuple[int, bytes]:
                answer = client.request(
                    method, base + path, headers=headers, content=body
                )
                return answer.status_code, answer.content

            try:
                self._play(options["dialect"], parts, person, send)
            except httpx2.HTTPError as error:
                raise CommandError(f"{base} does not answer: {error}.") from None

    def _play(self, dialect: str, parts: list[str], person: Person, send: Any) -> None:
        for exchange in play(dialect, parts, person, send):
            self.stdout.write(
                f"{exchange.status}  {exchange.method:6} {exchange.say}\n"
                f"     {'':6} {exchange.path}"
            )
            if not exchange.is_as_expected:
                detail = (exchange.answer or {}).get("detail", "no reason given")
                raise CommandError(f"The IdP stops here: {detail}")
        self.stdout.write("Done. The person is in the directory; the app follows.")


def _with_what_comes_before(parts: list[str]) -> list[str]:
    """Start with the joiner, whose look-ups the later parts need."""
    return [part for part in PARTS if part in parts or part == "joiner"]
