"""The floor: raw WSGI and psycopg with the least Python around the same SQL.

Not a SCIM server: no schema checks, one filter, two kinds of PATCH. It is what
a SCIM server in Python could reach at most. FLOOR_DSN says where the tables are.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import time
import uuid
from urllib.parse import parse_qs

import orjson
import psycopg
from psycopg_pool import ConnectionPool

FILTER = re.compile(r'^userName eq "([^"]*)"$')
CT = ("Content-Type", "application/scim+json")
POOL = ConnectionPool(
    os.environ["FLOOR_DSN"],
    min_size=2,
    max_size=8,
    open=True,
    kwargs={"autocommit": True, "prepare_threshold": 1},
)


def one(c, sql, args):
    return c.cursor(binary=True).execute(sql, args).fetchone()


def auth(c, env):
    h = env.get("HTTP_AUTHORIZATION", "")
    if not h.startswith("Bearer "):
        return None
    tok = h[7:]
    row = one(c, "select tenant_id, hash from token where prefix = %s", (tok[:8],))
    if row is None or not hmac.compare_digest(
        hashlib.sha256(tok.encode()).digest(), bytes(row[1])
    ):
        return None
    return row[0]


def listing(docs, total, start):
    return (
        b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,'
        b'"startIndex":%d,"itemsPerPage":%d,"Resources":[%s]}'
        % (total, start, len(docs), b",".join(docs))
    )


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def app(env, start):
    with POOL.connection() as c:
        status, body, version = handle(c, env)
    headers = [CT, ("Content-Length", str(len(body)))]
    if version:
        headers.append(("ETag", 'W/"%d"' % version))
    start(status, headers)
    return [body]


OK, CREATED, NOCONTENT = "200 OK", "201 Created", "204 No Content"
NOTFOUND = ("404 Not Found", b'{"status":"404"}', 0)


def handle(c, env):  # noqa: C901  a call would cost what is measured
    tid = auth(c, env)
    if tid is None:
        return "401 Unauthorized", b'{"status":"401"}', 0
    parts = env["PATH_INFO"].split("/")  # ['', 'v2', 'Users', id]
    method = env["REQUEST_METHOD"]
    kind = parts[2]
    rid = parts[3] if len(parts) > 3 else None
    if kind == "Users":
        if method == "GET":
            if rid:
                row = one(
                    c,
                    "select doc, version from scim_user where tenant_id=%s and id=%s",
                    (tid, rid),
                )
                return (OK, bytes(row[0]), row[1]) if row else NOTFOUND
            q = parse_qs(env["QUERY_STRING"])
            if "filter" in q:
                name = FILTER.match(q["filter"][0]).group(1).lower()
                row = one(
                    c,
                    "select doc from scim_user where tenant_id=%s and user_name_key=%s",
                    (tid, name),
                )
                docs = [bytes(row[0])] if row else []
                return OK, listing(docs, len(docs), 1), 0
            first, count = int(q["startIndex"][0]), int(q["count"][0])
            rows = (
                c.cursor(binary=True)
                .execute(
                    "select u.doc, t.users_total from tenant t left join lateral ("
                    " select doc, seq from scim_user where tenant_id=t.id and seq >= ("
                    "  select seq from scim_user where tenant_id=%s order by seq offset %s limit 1)"
                    " order by seq limit %s) u on true where t.id=%s order by u.seq",
                    (tid, first - 1, count, tid),
                )
                .fetchall()
            )
            docs = [bytes(r[0]) for r in rows if r[0] is not None]
            return OK, listing(docs, rows[0][1], first), 0
        data = orjson.loads(env["wsgi.input"].read(int(env["CONTENT_LENGTH"])))
        if method == "POST":
            uid = uuid.uuid4()
            t = now()
            data["id"] = str(uid)
            data["meta"] = {
                "resourceType": "User",
                "created": t,
                "lastModified": t,
                "location": f"http://{env['HTTP_HOST']}/v2/Users/{uid}",
                "version": 'W/"1"',
            }
            doc = orjson.dumps(data)
            try:
                c.execute(
                    "with n as (insert into scim_user(tenant_id,id,user_name_key,doc) values (%s,%s,%s,%b))"
                    " update tenant set users_total=users_total+1 where id=%s",
                    (tid, uid, data["userName"].lower(), doc, tid),
                )
            except psycopg.errors.UniqueViolation:
                return "409 Conflict", b'{"status":"409","scimType":"uniqueness"}', 0
            return CREATED, doc, 1
        row = one(
            c,
            "select doc, version from scim_user where tenant_id=%s and id=%s",
            (tid, rid),
        )
        if row is None:
            return NOTFOUND
        old, version = orjson.loads(bytes(row[0])), row[1]
        if method == "PUT":
            data["id"], data["meta"] = old["id"], old["meta"]
            new = data
        else:
            new = old
            for o in data["Operations"]:
                if o.get("path"):
                    new[o["path"]] = o["value"]
                else:
                    new.update(o["value"])
        version += 1
        new["meta"]["lastModified"] = now()
        new["meta"]["version"] = 'W/"%d"' % version
        doc = orjson.dumps(new)
        n = c.execute(
            "update scim_user set doc=%b, version=%s, user_name_key=%s"
            " where tenant_id=%s and id=%s and version=%s",
            (doc, version, new["userName"].lower(), tid, rid, version - 1),
        ).rowcount
        if n == 0:  # lost a race
            return "412 Precondition Failed", b'{"status":"412"}', 0
        return OK, doc, version
    # groups
    if method == "GET":
        row = one(
            c,
            "select doc, version from scim_group where tenant_id=%s and id=%s",
            (tid, rid),
        )
        if row is None:
            return NOTFOUND
        doc = bytes(row[0])
        if "excludedAttributes=members" in env["QUERY_STRING"]:
            return OK, doc, row[1]
        rows = (
            c.cursor(binary=True)
            .execute("select user_id::text from membership where group_id=%s", (rid,))
            .fetchall()
        )
        members = b",".join(b'{"value":"%s"}' % r[0].encode() for r in rows)
        return OK, doc[:-1] + b',"members":[' + members + b"]}", row[1]
    data = orjson.loads(env["wsgi.input"].read(int(env["CONTENT_LENGTH"])))
    if method == "POST":
        gid = uuid.uuid4()
        members = [m["value"] for m in data.pop("members", [])]
        t = now()
        data["id"] = str(gid)
        data["meta"] = {"resourceType": "Group", "created": t, "lastModified": t}
        doc = orjson.dumps(data)
        with c.transaction():
            c.execute(
                "insert into scim_group(tenant_id,id,doc) values (%s,%s,%b)",
                (tid, gid, doc),
            )
            if members:
                c.execute(
                    "insert into membership select %s, id from scim_user where tenant_id=%s and id=any(%s::uuid[])",
                    (gid, tid, members),
                )
        return CREATED, doc, 1
    members = [m["value"] for o in data["Operations"] for m in o["value"]]
    c.execute(
        "with m as (insert into membership select %s, id from scim_user where tenant_id=%s and id=any(%s::uuid[])"
        " on conflict do nothing) update scim_group set version=version+1 where tenant_id=%s and id=%s",
        (rid, tid, members, tid, rid),
    )
    return NOCONTENT, b"", 0
