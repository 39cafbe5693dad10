"""The catalog for superusers: an entry is its manifest, checked when it is saved."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from integrations.catalog import entries
from integrations.models import App
from scim.protocol import strict_json
from scim.protocol.errors import ScimError
from workspaces.admin_base import LinkedAdmin, superuser
from workspaces.clock import database_now


class ManifestField(forms.JSONField):
    """A manifest, a line for each of its parts."""

    widget = forms.Textarea(attrs={"rows": 40, "cols": 120, "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        """Return the manifest. Refuses what cannot be read or kept, and says where."""
        try:
            return strict_json.loads((value or "").encode())
        except ScimError as error:
            text = error.detail.replace("The body", "The manifest")
            raise ValidationError(text) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Show again what was typed, as it was typed."""
        return data

    def prepare_value(self, value: Any) -> Any:
        """Return the text that is edited; what is no JSON stays as it was typed."""
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class ManifestForm(forms.ModelForm):
    """An entry of the catalog is its manifest; the rest is read from there."""

    manifest = ManifestField(
        help_text="What is wrong with it is said when you save, and where."
    )

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = App
        fields = ("manifest", "is_offered")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = str(self.instance.edited_at or "")

    def clean_seen(self) -> None:
        """Refuse to overwrite what another superuser saved since this was opened."""
        present = App.objects.select_for_update().filter(pk=self.instance.pk).first()
        if present and str(present.edited_at or "") != self.cleaned_data["seen"]:
            raise ValidationError(
                "Somebody else saved this app after you opened it. Copy your manifest, "
                "open the app anew and put your changes into it."
            )

    def clean_manifest(self) -> dict[str, Any]:
        """Refuse the slug of another entry, and another slug for an app in use."""
        manifest: dict[str, Any] = self.cleaned_data["manifest"]
        slug = manifest.get("slug")
        if not isinstance(slug, str):
            return manifest
        if self.instance.pk and slug != self.instance.slug:
            raise ValidationError(f"slug: This must stay {self.instance.slug}.")
        if not self.instance.pk and App.objects.filter(slug=slug).exists():
            raise ValidationError(f"slug: Another app has {slug}. Edit that one.")
        return manifest


class AppAdmin(LinkedAdmin):
    """The catalog. A manifest is checked when it is saved."""

    form = ManifestForm
    readonly_fields = ("edited_at",)
    list_display = (
        "name",
        "slug",
        "category",
        "connector",
        "is_offered",
        "edited_at",
    )
    list_filter = ("connector", "is_offered")
    search_fields = ("name", "slug", "category")

    def save_model(
        self, request: HttpRequest, obj: App, form: forms.ModelForm, change: Any
    ) -> None:
        """Save it by the service, which audits it and keeps it from releases."""
        entries.save(obj, actor=superuser(request), now=database_now())

    def delete_model(self, request: HttpRequest, obj: App) -> None:
        """Delete what no integration uses, by the service."""
        entries.delete(obj, actor=superuser(request))
