"""**Scheduled rotation** of the tokens of a connection."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from tokens import scheduled_rotation
from tokens.holders import holder_of
from tokens.policy_models import TWO_YEARS, RotationSchedule
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, requires

SHORTEST, USUAL_LEAD, LONGEST_LEAD = 7, 14, 90
"""Days."""


def _days(
    label: str, help_text: str, least: int, most: int, *, required: bool
) -> forms.IntegerField:
    wrong = f"Enter whole days, {least} to {most}."
    return forms.IntegerField(
        label=label,
        required=required,
        min_value=least,
        max_value=most,
        help_text=help_text,
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), wrong
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class RotationForm(forms.Form):
    """Every how many days tokens are replaced, if by schedule."""

    every_days = _days(
        "Replace tokens every",
        f"Days, {SHORTEST} to {TWO_YEARS}. Empty: no scheduled rotation.",
        SHORTEST,
        TWO_YEARS,
        required=False,
    )
    lead_days = _days(
        "Tell administrators before",
        f"Days before a token is due, 1 to {LONGEST_LEAD}.",
        1,
        LONGEST_LEAD,
        required=True,
    )

    def __init__(
        self, *args: Any, schedule: RotationSchedule | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {
            "every_days": schedule.every_days if schedule else None,
            "lead_days": schedule.lead_days if schedule else USUAL_LEAD,
        }

    def clean(self) -> dict[str, Any]:
        """Ask for a lead that is shorter than the period."""
        given: dict[str, Any] = super().clean() or {}
        every, lead = given.get("every_days"), given.get("lead_days")
        if every and lead and lead >= every:
            self.add_error("lead_days", f"Enter fewer than {every} days.")
        return given


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_TOKENS)
def schedule(request: WorkspaceRequest, directory_key: str) -> HttpResponse:
    """Show every how many days tokens are replaced, and keep what is chosen."""
    directory = get_object_or_404(
        Directory.objects.in_workspace(request.workspace), key=directory_key
    )
    holder = holder_of(directory)
    form = RotationForm(
        request.POST if request.method == "POST" else None,
        schedule=scheduled_rotation.of(directory),
    )
    if form.is_valid():
        messages.success(request, _kept(request, directory, form))
        if request.htmx:
            return HttpResponseClientRedirect(holder.url)
        return redirect(holder.url)
    part = "#dialog" if request.htmx else ""
    context = {"form": form, "holder": holder, "cancel_url": holder.url}
    status = 422 if form.errors else 200
    return render(request, f"tokens/schedule.html{part}", context, status=status)


def _kept(request: WorkspaceRequest, directory: Directory, form: RotationForm) -> str:
    """Keep the answer of a valid form and say what it was."""
    every, lead = form.cleaned_data["every_days"], form.cleaned_data["lead_days"]
    if every is None:
        scheduled_rotation.turn_off(directory, actor=request.user)
        return "Tokens are not replaced by schedule."
    scheduled_rotation.set_up(
        directory, every_days=every, lead_days=lead, actor=request.user
    )
    return f"Tokens are to be replaced every {every} days."
