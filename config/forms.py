"""One look for every form of the portal."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class PortalFormRenderer(TemplatesSetting):
    """Render forms with the project's own templates."""

    field_template_name = "django/forms/field.html"
