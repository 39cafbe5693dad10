"""What a sync found, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What a sync found. `new` counts resources that it made."""

    users: int = 0
    groups: int = 0
    roles: int = 0
    entitlements: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    skipped: list[str] = field(default_factory=list)
    """Why some accounts could not be taken over, in plain words."""

    def as_result(self) -> dict[str, object]:
        """Return it as the result of the job."""
        numbers = ("users", "groups", "roles", "entitlements", "new", "changed")
        return {
            **{name: getattr(self, name) for name in (*numbers, "removed")},
            "skipped": self.skipped[:20],
            "skipped_count": len(self.skipped),
            "message": str(self),
        }

    def __str__(self) -> str:
        found = [_number(self.users, "user")]
        if self.groups:
            found.append(_number(self.groups, "group"))
        found.append(_number(self.roles, "role"))
        found.append(_number(self.entitlements, "entitlement"))
        text = (
            f"Sync finished. {', '.join(found)}. {self.new} new, "
            f"{self.changed} changed, {self.removed} removed."
        )
        if self.skipped:
            text += f" {len(self.skipped)} could not be imported."
        return text


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
