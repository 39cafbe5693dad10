"""How many resources a directory has, and where its n-th one is.

Counts are kept in blocks of neighbouring ids, changed with each insert and
delete, so that neither a total nor a deep page has to walk over the resources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Sum

from scim.models import ResourceCount
from workspaces.models import Directory

BLOCK = 2_048
"""Ids in one block: a page skips fewer rows than this."""

_CHANGE = (
    "INSERT INTO scim_resourcecount (directory_id, resource_type, block, total)"
    " VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (directory_id, resource_type, block)"
    " DO UPDATE SET total = scim_resourcecount.total + excluded.total"
)
_FIND = (
    "SELECT COALESCE(SUM(b.total), 0),"
    " MIN(CASE WHEN b.upto >= %s THEN b.block END),"
    " MIN(CASE WHEN b.upto >= %s THEN b.upto - b.total END)"
    " FROM (SELECT block, total, SUM(total) OVER (ORDER BY block) AS upto"
    " FROM scim_resourcecount WHERE directory_id = %s AND resource_type = %s) b"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The total, and where a page starts: the first id to look at, rows to skip."""

    total: int
    first_id: int
    skip: int


def change(directory: Directory, resource_type: str, resource_id: int, by: int) -> None:
    """Count one resource in (1) or out (-1).

    Locks the block's row until the end of the transaction: call it last.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE, [directory.pk, resource_type, resource_id // BLOCK, by])


def change_all(
    directory: Directory, resource_type: str, resource_ids: Iterable[int]
) -> None:
    """Count many resources in, with a statement for each block of them."""
    for block, total in sorted(Counter(pk // BLOCK for pk in resource_ids).items()):
        change(directory, resource_type, block * BLOCK, total)


def find(directory: Directory, resource_type: str, start_index: int) -> Place:
    """Return the total and the place of the `start_index`-th resource, from 1."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [start_index, start_index, directory.pk, resource_type])
        total, block, before = cursor.fetchone()
    if block is None:
        return Place(int(total), 0, 0)
    return Place(int(total), int(block) * BLOCK, start_index - int(before) - 1)


def totals(directories: Iterable[int], resource_type: str) -> dict[int, int]:
    """Return how many resources of a type each directory has, by its key.

    In one query; a directory without any is left out.
    """
    rows = (
        ResourceCount.objects.filter(
            directory__in=list(directories), resource_type=resource_type
        )
        .order_by()
        .values_list("directory")
        .annotate(total=Sum("total"))
    )
    return dict(rows)
