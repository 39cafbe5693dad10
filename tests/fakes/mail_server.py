"""An SMTP server on loopback that keeps what it takes, or refuses everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class FakeMail:
    """The mails that were taken; `is_down` refuses the next ones."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.refused = 0
        self.is_down = False
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.is_down:
            self.refused += 1
            return "451 4.3.0 Try again later"
        parsed: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.taken.append(parsed)
        return "250 OK"


class _AnyPort(Controller):
    """Listens on a free port, and tells which."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[FakeMail]:
    """Run the server while the block lasts."""
    fake = FakeMail()
    controller = _AnyPort(fake, hostname="127.0.0.1", port=0)
    controller.start()
    fake.port = controller.port
    try:
        yield fake
    finally:
        controller.stop()
