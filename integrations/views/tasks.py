"""**Tasks**: what people do in apps that Keyway cannot reach."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.forms.tasks import CannotBeDoneForm
from integrations.models import Integration, Provisioning, Task
from integrations.tasks import by_hand, mailing, services
from workspaces.clock import database_now
from workspaces.pages import Pill, page_of, search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

_PILLS = {
    Task.State.OPEN: Pill("Open", "info", "clock"),
    Task.State.DONE: Pill("Done", "success"),
    Task.State.NOT_POSSIBLE: Pill("Cannot be done", "danger"),
    Task.State.NOT_NEEDED: Pill("No longer needed", "neutral"),
}
_ALL = "all"
STATES = [("", "Open"), *Task.State.choices[1:], (_ALL, "All states")]
WAITING = Pill(by_hand.WAITING, "warning", "hand")


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def index(request: WorkspaceRequest) -> HttpResponse:
    """List the tasks of the workspace, the open ones first of all."""
    everything = Task.objects.in_workspace(request.workspace)
    state = request.GET.get("state", "")
    key = request.GET.get("integration", "")
    query = search_text(request)
    found = everything.select_related("integration__directory", "closed_by")
    if state != _ALL:
        wished = state if state in Task.State.values else Task.State.OPEN
        found = found.filter(state=wished)
    integrations = Integration.objects.in_workspace(request.workspace).filter(
        app__connector="task"
    )
    choices = list(integrations.values_list("directory__key", "name"))
    if key in dict(choices):
        found = found.filter(integration__directory__key=key)
    if query:
        found = found.filter(user_name__icontains=query)
    page = page_of(request, found)
    return render(
        request,
        "integrations/tasks/list.html",
        {
            "tasks": [_row(task) for task in page],
            "query": query,
            "state": state,
            "states": STATES,
            "integration": key,
            "integrations": [("", "All integrations"), *choices],
            "total": everything.count(),
            "is_filtered": bool(query or state or key),
            "page_obj": page,
        },
    )


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def task(request: WorkspaceRequest, task_id: uuid.UUID) -> HttpResponse:
    """Show what to do, value by value."""
    found = _task(request, task_id)
    return render(request, "integrations/tasks/task.html", _context(request, found))


@require_POST
@requires(Permission.MANAGE_INTEGRATIONS)
def done(request: WorkspaceRequest, task_id: uuid.UUID) -> HttpResponse:
    """Take somebody's word that the task is done."""
    found = _task(request, task_id)
    try:
        services.done(
            found,
            version=request.POST.get("version", ""),
            actor=request.user,
            now=database_now(),
        )
    except services.NotOpen as error:
        messages.warning(request, str(error))
        return redirect("tasks:task", found.public_id)
    messages.success(request, f"The task for {found.user_name} is done.")
    return redirect("tasks:list")


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def cannot_be_done(request: WorkspaceRequest, task_id: uuid.UUID) -> HttpResponse:
    """Ask why, then end the provisioning with the reason."""
    found = _task(request, task_id)
    is_post = request.method == "POST"
    form = CannotBeDoneForm(
        request.POST if is_post else None,
        initial={"version": services.version_of(found)},
    )
    if is_post and form.is_valid():
        try:
            services.cannot_be_done(
                found, **form.cleaned_data, actor=request.user, now=database_now()
            )
        except services.NotOpen as error:
            messages.warning(request, str(error))
        else:
            messages.success(
                request, f"{found.user_name} is shown as failed, with your reason."
            )
        return redirect("tasks:task", found.public_id)
    part = "#dialog" if request.htmx else ""
    return render(
        request,
        f"integrations/tasks/cannot_be_done.html{part}",
        {"task": _row(found), "form": form},
        status=422 if form.is_bound else 200,
    )


def open_tasks(rows: Iterable[Provisioning]) -> dict[int, Task]:
    """Return the open task of each, by the key of the row. One query."""
    found = Task.objects.filter(
        provisioning__in=[row.pk for row in rows], state=Task.State.OPEN
    )
    return {task.provisioning_id: task for task in found}


def _task(request: WorkspaceRequest, task_id: uuid.UUID) -> Task:
    """Return a task of the workspace, or answer 404."""
    return get_object_or_404(
        Task.objects.in_workspace(request.workspace).select_related(
            "integration__directory",
            "integration__workspace",
            "integration__app",
            "provisioning",
            "closed_by",
        ),
        public_id=task_id,
    )


def _row(task: Task) -> dict[str, Any]:
    urls = {
        name: reverse(f"tasks:{name}", args=[task.public_id])
        for name in ("task", "done", "cannot_be_done")
    }
    return {
        "user_name": task.user_name,
        "integration": task.integration.name,
        "integration_url": reverse(
            "integrations:overview", args=[task.integration.directory.key]
        ),
        "pill": _PILLS[Task.State(task.state)],
        "summary": _summary(task),
        "created_at": task.created_at,
        "closed_at": task.closed_at,
        "closed_by": str(task.closed_by or "somebody who left"),
        "is_open": task.state == Task.State.OPEN,
        "is_proved": task.proved_at is not None,
        "proved_at": task.proved_at,
        "finding": task.finding,
        "reason": task.reason,
        "urls": urls,
    }


def _summary(task: Task) -> str:
    """Return the first step, and how many follow."""
    first, *others = (step["words"] for step in task.steps)
    return f"{first}, and {len(others)} more" if others else first


def _context(request: WorkspaceRequest, task: Task) -> dict[str, Any]:
    row = task.provisioning
    return {
        "task": _row(task),
        "steps": task.steps,
        "version": services.version_of(task),
        "app_url": task.integration.base_url,
        "person_url": reverse("integrations:person", args=[row.resource_id_public]),
        "people": [str(person) for person in mailing.assignees(task.integration)],
        "can_act": task.state == Task.State.OPEN
        and can(request.membership, Permission.MANAGE_INTEGRATIONS),
    }
