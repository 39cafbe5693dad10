"""`python -m config.cli`: the `keyway` command line."""

from __future__ import annotations

from config.cli.commands import keyway

if __name__ == "__main__":
    keyway(prog_name="keyway")
