"""Who is in the demo app when it starts for the first time."""

from __future__ import annotations

from integrations.demo_app.passwords import hash_password
from integrations.demo_app.store import Store

SERVICE_LOGIN = "svc-keyway"

_GROUPS = {
    "Engineering": ("grace.okafor", "tomas.novak", "mei.tanaka"),
    "Sales": ("lucia.romero", "jonas.berg"),
    "Support": ("priya.nair", "jonas.berg"),
}

_USERS = {
    "grace.okafor": ("Grace", "Okafor", True),
    "tomas.novak": ("Tomáš", "Novák", True),
    "mei.tanaka": ("Mei", "Tanaka", True),
    "lucia.romero": ("Lucía", "Romero", True),
    "jonas.berg": ("Jonas", "Berg", True),
    "priya.nair": ("Priya", "Nair", True),
    "walter.finch": ("Walter", "Finch", False),
}


def plant(store: Store, *, service_password: str) -> None:
    """Fill an empty store with the service account, some users and groups."""
    store.create_user(
        {
            "login": SERVICE_LOGIN,
            "display_name": "Keyway service account",
            "is_admin": True,
            "password": hash_password(service_password),
        }
    )
    ids = {}
    for name, (first, last, active) in _USERS.items():
        address = f"{name}@example.com"
        user = store.create_user(
            {
                "login": address,
                "email": address,
                "first_name": first,
                "last_name": last,
                "display_name": f"{first} {last}",
                "active": active,
            }
        )
        ids[name] = user.id
    for group_name, members in _GROUPS.items():
        group = store.create_group(group_name)
        for member in members:
            store.add_member(group.id, ids[member])
