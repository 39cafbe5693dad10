"""Fill a directory of Keyway with users, as fast as the database copies rows.

    python -m tests.bench.load_keyway BASE_URL USERS STATE.json

One user is validated and stored by `scim.store`; the others are copies of its row
under other names. What a POST does around it (the Change, the provisioning) is
left out.
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

from django.db import connection, transaction  # noqa: E402

from scim import counts, store  # noqa: E402
from scim.models import Resource  # noqa: E402
from scim.protocol import documents  # noqa: E402
from scim.protocol.schema import service_provider  # noqa: E402
from tests.bench import payloads  # noqa: E402
from workspaces.clock import database_now  # noqa: E402
from workspaces.models import Directory  # noqa: E402

NAME, NUMBER = "uxxxxxxxx", "xxxxxx"
"""Of the one user; the second is an employee number, the end of a name."""

_NAMED = ("document", "comparable", "label", "user_name_key", "external_id")


def load(directory: Directory, users: int) -> dict[str, str]:
    """Return the ids of new users by their userName."""
    schema = service_provider().at("Users")
    document = documents.validate_new(schema, payloads.user(NAME))
    with transaction.atomic(), connection.cursor() as cursor:
        # A million copies take longer than a request may.
        cursor.execute("SET LOCAL statement_timeout = 0")
        one = store.insert(directory, schema, document, now=database_now())
        cursor.execute(_copies(), [users, one.pk])
        one.delete()
        cursor.execute(
            "INSERT INTO scim_resourcecount (directory_id, resource_type, block, total)"
            " SELECT directory_id, resource_type, id / %s, COUNT(*) FROM scim_resource"
            " WHERE directory_id = %s GROUP BY 1, 2, 3",
            [counts.BLOCK, directory.pk],
        )
    found = Resource.objects.filter(directory=directory).order_by("id")
    return {
        json.loads(text)["userName"]: public_id
        for text, public_id in found.values_list("document", "public_id").iterator()
    }


def _copies() -> str:
    """Return the SQL that copies a row under the names u00000000 and so on."""
    values = {
        field.column: f"r.{field.column}"
        for field in Resource._meta.concrete_fields
        if not field.primary_key
    }
    values["public_id"] = "gen_random_uuid()::text"
    for column in _NAMED:
        kind = "jsonb" if column == "comparable" else "text"
        values[column] = (
            f"replace(replace(r.{column}::text, '{NAME}', n.name),"
            f" '{NUMBER}', right(n.name, {len(NUMBER)}))::{kind}"
        )
    return (
        f"INSERT INTO scim_resource ({', '.join(values)})"
        f" SELECT {', '.join(values.values())} FROM scim_resource r,"
        " (SELECT 'u' || lpad(i::text, 8, '0') AS name"
        " FROM generate_series(0, %s - 1) AS i) n WHERE r.id = %s"
    )


def main(base_url: str, users: str, state: str) -> None:
    key = urlsplit(base_url).path.split("/")[2]
    ids = load(Directory.objects.get(key=key), int(users))
    content = {"user_names": list(ids), "user_ids": list(ids.values())}
    Path(state).write_text(json.dumps(content))


if __name__ == "__main__":
    main(*sys.argv[1:])
