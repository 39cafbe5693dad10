"""Every component in every state, for those who build pages. Debug only."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(help_text="What people call it.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    kind = forms.ChoiceField(choices=[("a", "First"), ("b", "Second")])
    agreed = forms.BooleanField(label="Keep it")


@login_not_required
@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the components."""
    return render(
        request,
        "styleguide.html",
        {
            "form": SampleForm(),
            "bad_form": SampleForm(data={}),
            "now": timezone.now(),
            "page_obj": Paginator(range(200), 50).page(2),
        },
    )
