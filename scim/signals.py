"""The one signal of the project.

`scim` must not know what stands on a directory, so it tells whoever listens:
`integrations.provisioning.applying` for gateways. It is sent inside the transaction of
the change, so a receiver that fails undoes the change.
"""

from __future__ import annotations

from django.dispatch import Signal

resource_changed = Signal()
"""Arguments: `directory`, `changed` (a `scim.services.Changed`), `now`."""
