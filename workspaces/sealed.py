"""Every column that holds a sealed value, so that a change of keys misses none.

Each app registers its own in `AppConfig.ready`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Model, QuerySet

from workspaces import secrets
from workspaces.key_ring import in_use
from workspaces.secrets import Address, UnreadableSecret

BATCH = 200


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values; `address` says where that of a row lives."""

    model: type[Model]
    name: str
    address: Callable[[Any], Address]
    related: tuple[str, ...] = ()
    """What `address` reads beside the row, for select_related."""

    @property
    def label(self) -> str:
        """Return what people call the column."""
        return f"{self.model._meta.verbose_name} {self.name}"

    def values(self) -> QuerySet[Any]:
        """Return the rows that hold a value."""
        rows = _rows_of(self.model).exclude(**{self.name: ""})
        return rows.select_related(*self.related)

    def newest(self) -> Any | None:
        """Return the row that was added last, if there is one."""
        return self.values().order_by("-pk").first()

    def under(self, number: int) -> QuerySet[Any]:
        """Return the rows whose value was sealed with one key of the ring."""
        return self.values().filter(**{f"{self.name}__startswith": f"v1.{number}."})

    def is_readable(self, row: Any) -> bool:
        """Say whether the ring opens the value of a row."""
        try:
            self.read(row)
        except UnreadableSecret:
            return False
        return True

    def read(self, row: Any) -> str:
        """Return the value of a row in clear. Raises UnreadableSecret."""
        return secrets.decrypt(getattr(row, self.name), self.address(row))

    def waiting(self) -> QuerySet[Any]:
        """Return the rows whose value is not under the key in use."""
        current = f"v1.{in_use(settings.KEYWAY_ENCRYPTION_KEYS)}."
        return self.values().exclude(**{f"{self.name}__startswith": current})

    def outdated(self) -> Iterator[Any]:
        """Yield these rows by their id."""
        waiting, last = self.waiting(), 0
        while batch := list(waiting.filter(pk__gt=last).order_by("pk")[:BATCH]):
            yield from batch
            last = batch[-1].pk

    def seal_again(self, row: Any) -> bool:
        """Seal the value under the key in use. False if somebody changed it meanwhile.

        One conditional update: readers see the old value or the new one, and both
        can be read. Raises UnreadableSecret.
        """
        old = getattr(row, self.name)
        new = secrets.encrypt(self.read(row), self.address(row))
        same = _rows_of(self.model).filter(pk=row.pk, **{self.name: old})
        return bool(same.update(**{self.name: new}))


def _rows_of(model: type[Model]) -> QuerySet[Any]:
    return QuerySet(model)


_columns: dict[str, SealedColumn] = {}


def register(column: SealedColumn) -> None:
    """Add a column. Registering it again changes nothing."""
    _columns[column.label] = column


def columns() -> list[SealedColumn]:
    """Return every registered column, by its label."""
    return [_columns[label] for label in sorted(_columns)]
