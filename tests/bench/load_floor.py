"""Fill the floor's database with users, by COPY."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import psycopg

from tests.bench import payloads

SCHEMA = Path(__file__).resolve().parent / "floors" / "schema.sql"
TENANT = 1
_COPY = "COPY scim_user (tenant_id, id, user_name_key, doc) FROM STDIN (FORMAT BINARY)"


def load(connection: psycopg.Connection, base_url: str, users: int) -> dict[str, list]:
    """Make the tables and the users. Returns the driver's state."""
    connection.execute(SCHEMA.read_text())
    names, ids = [], []
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(["int4", "uuid", "text", "bytea"])
        for number in range(users):
            public_id = uuid.uuid4()
            body = payloads.user(f"u{number:08d}")
            names.append(body["userName"])
            ids.append(str(public_id))
            document = _document(body, public_id, base_url)
            copy.write_row((TENANT, public_id, body["userName"].lower(), document))
    connection.execute("UPDATE tenant SET users_total = %s", [users])
    return {"user_names": names, "user_ids": ids}


def _document(body: payloads.Body, public_id: uuid.UUID, base_url: str) -> bytes:
    moment = "2026-01-01T00:00:00Z"
    meta = {
        "resourceType": "User",
        "created": moment,
        "lastModified": moment,
        "location": f"{base_url}/Users/{public_id}",
        "version": 'W/"1"',
    }
    body = body | {"id": str(public_id), "meta": meta}
    return json.dumps(body, separators=(",", ":")).encode()
