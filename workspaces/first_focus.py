"""Where the focus is when a page with a form opens."""

from __future__ import annotations

from typing import Any

from django import forms


class FirstFocus(forms.BaseForm):
    """A form that has the focus until it is refused: then its errors have it.

    A browser gives the focus once, and complains of a second wish.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            for field in self.fields.values():
                field.widget.attrs.pop("autofocus", None)
