"""Static files as they are served: one stylesheet instead of its many parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

ENTRY = "css/app.css"
_IMPORT = re.compile(r'@import url\("([^"]+)"\) layer\((\w+)\);')

Paths = dict[str, tuple[Storage, str]]
"""By name: the storage that a file was found in, and its path there."""


class BundlingStorage(CompressedManifestStaticFilesStorage):
    """Puts what the entry imports into it, before names get their hashes."""

    def post_process(
        self,
        paths: Paths,
        dry_run: bool = False,  # noqa: FBT001, FBT002  Django calls it so
        **options: Any,
    ) -> Iterator[Any]:
        """Yield what Django yields, of files with the bundle in the entry's place."""
        if not dry_run and ENTRY in paths:
            Path(self.path(ENTRY)).write_text(_bundle(paths), encoding="utf-8")
            paths = {**paths, ENTRY: (self, ENTRY)}
        yield from super().post_process(paths, dry_run, **options)


def _bundle(paths: Paths) -> str:
    """Return the entry with each imported file as a block of its layer."""

    def block(found: re.Match[str]) -> str:
        return f"@layer {found[2]} {{\n{_read(paths, f'css/{found[1]}')}}}"

    return _IMPORT.sub(block, _read(paths, ENTRY))


def _read(paths: Paths, name: str) -> str:
    storage, path = paths[name]
    with storage.open(path) as file:
        text: str = file.read().decode()
    return text
