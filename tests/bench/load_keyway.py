"""Fill a directory of Keyway with users, as fast as its own store writes them.

    python -m tests.bench.load_keyway BASE_URL USERS STATE.json

Rows are made by `scim.store.insert`, as those of a POST are. One document is
validated and the others are made from it: they differ in the name only. What a
POST does around it (the Change, the provisioning) is left out.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402

from scim import counts, store  # noqa: E402
from scim.protocol import documents  # noqa: E402
from scim.protocol.schema import service_provider  # noqa: E402
from tests.bench import payloads  # noqa: E402
from workspaces.clock import database_now  # noqa: E402
from workspaces.models import Directory  # noqa: E402

BATCH = 5_000
NAME, NUMBER = "uxxxxxxxx", "xxxxxx"
"""In the one document; the second is an employee number, the end of a name."""


def load(directory: Directory, users: int) -> dict[str, str]:
    """Return the ids of new users by their userName."""
    schema = service_provider().at("Users")
    document = documents.validate_new(schema, payloads.user(NAME))
    template = json.dumps(document)
    ids: dict[str, str] = {}
    for start in range(0, users, BATCH):
        with transaction.atomic():
            now = database_now()
            for number in range(start, min(start + BATCH, users)):
                name = f"u{number:08d}"
                text = template.replace(NAME, name).replace(NUMBER, name[-6:])
                document = json.loads(text)
                resource = store.insert(directory, schema, document, now=now)
                counts.change(directory, schema.name, resource.pk, 1)
                ids[document["userName"]] = resource.public_id
    return ids


def main(base_url: str, users: str, state: str) -> None:
    key = urlsplit(base_url).path.split("/")[2]
    ids = load(Directory.objects.get(key=key), int(users))
    content = {"user_names": list(ids), "user_ids": list(ids.values())}
    Path(state).write_text(json.dumps(content))


if __name__ == "__main__":
    main(*sys.argv[1:])
