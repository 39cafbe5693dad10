"""Load the shipped manifests into the catalog."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integrations.catalog.loader import shipped_manifests
from integrations.models import App


class Command(BaseCommand):
    """Adds what is new and updates what is there, by slug."""

    help = "Load the app manifests that come with this release into the catalog."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Load every manifest."""
        for manifest in shipped_manifests():
            _, created = App.objects.update_or_create(
                slug=manifest["slug"],
                defaults={
                    "name": manifest["name"],
                    "category": manifest.get("category", ""),
                    "connector": manifest["connector"],
                    "manifest": manifest,
                },
            )
            self.stdout.write(f"{'added' if created else 'updated'} {manifest['slug']}")
