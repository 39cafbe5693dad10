"""**Add your phone**, on the computer: the code, then the number to compare."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces.clock import database_now
from workspaces.factors import proof
from workspaces.models import PhoneEnrolment
from workspaces.permissions import WorkspaceRequest
from workspaces.phones import enrolment, subscriptions
from workspaces.phones.errors import EnrolmentOver
from workspaces.views.security import of_member, proven

_BACK = "workspaces:security"


@never_cache
@require_POST
@of_member
@proven
def start(request: WorkspaceRequest) -> HttpResponse:
    """Make a code and show it: in this answer and never again."""
    begun, code = enrolment.start(request.user, now=database_now())
    context = {
        "stage": "workspaces/_phone_code.html",
        "enrolment": begun,
        # Made here from our own address: black and white squares, no text of anybody.
        "qr_code": mark_safe(enrolment.qr_code(code)),  # noqa: S308
        "page_url": enrolment.address("").rstrip("#"),
        "code": enrolment.grouped(code),
        "has_push": subscriptions.is_on(),
    }
    return render(request, "workspaces/phone.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
def enrolling(request: WorkspaceRequest, enrolment_id: UUID) -> HttpResponse:
    """Show which phone came, and add it; answers 204 while the page polls in vain."""
    now = database_now()
    begun = enrolment.begun(request.user, enrolment_id, now=now)
    if begun is None:
        return _over(request)
    if request.method == "POST":
        return _decided(request, begun)
    if begun.device is None and "poll" in request.GET:
        return HttpResponse(status=204)
    stage = "_phone_compare" if begun.device else "_phone_waiting"
    context = {
        "stage": f"workspaces/{stage}.html",
        "enrolment": begun,
        "number": f"{begun.check_number[:3]} {begun.check_number[3:]}",
    }
    part = "#stage" if request.htmx else ""
    return render(request, f"workspaces/phone.html{part}", context)


def _decided(request: WorkspaceRequest, begun: PhoneEnrolment) -> HttpResponse:
    """Add the phone, or drop it."""
    if request.POST.get("decision") != "add":
        enrolment.cancel(begun)
        messages.info(request, "No phone was added.")
        return redirect(_BACK)
    now = database_now()
    try:
        device = enrolment.add(begun, now=now)
    except EnrolmentOver as error:
        messages.error(request, error.message)
        return redirect(_BACK)
    proof.note_factor(request, device, now=now)
    messages.success(request, f"{device.name} is added.")
    return redirect(_BACK)


def _over(request: WorkspaceRequest) -> HttpResponse:
    """Say that the code is over; another person's is as if it never was: 404."""
    if request.method == "GET" and "poll" in request.GET:
        context = {"stage": "workspaces/_phone_over.html"}
        return render(request, "workspaces/phone.html#stage", context)
    raise Http404
