"""Read a list of an app, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.connectors.browser.blueprint import Listing
from integrations.connectors.browser.visit import Visit
from integrations.desired import JSON


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its rows, how many it says there are, where it goes on."""

    rows: list[dict[str, JSON]]
    total: int | None
    next: str


async def read_page(
    visit: Visit, listing: Listing, values: Mapping[str, JSON], address: str
) -> Page:
    """Open a page of a list, by its steps or at its address, and read it."""
    act = f"list {listing.kind or 'accounts'}"
    if address:
        await visit.open(address, values)
    else:
        await visit.walk(act, listing.steps, values)
    total = None
    if listing.total is not None:
        total = int(str(await visit.read_one(act, listing.total)).replace(",", ""))
    rows = await visit.rows(listing.rows)
    return Page(
        rows=[
            await visit.read(act, listing.read, row)
            | {"entitlements": await visit.read(act, listing.held, row)}
            for row in rows
        ],
        total=total,
        next=await visit.next_page(listing.next) if listing.next else "",
    )
