"""**New app integration**: one page a step, and a draft that keeps what was entered."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from integrations.forms import schedule
from integrations.forms.wizard import SelectAppForm, ServiceAccountForm, SettingsForm
from integrations.models import App, IntegrationDraft, ServiceAccount
from integrations.outside import origins
from integrations.reports.phases import OF_CHECK
from integrations.set_up import drafts
from integrations.set_up.login_workflows import workflows
from integrations.syncing import cron
from integrations.tasks.by_hand import is_by_hand
from integrations.views.wizard_frame import URL_OF, draft_of, finished, page
from workspaces.clock import database_now
from workspaces.pages import search_text
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

SHOWN = 8
"""How many matching apps the list shows at most."""

_TAKES_EVERY_APP = ("scim", "task")
"""Connectors that serve an app that the catalog does not know."""


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def new(request: WorkspaceRequest) -> HttpResponse:
    """Say what must be at hand, and ask which app (S0-16, S0-131)."""
    return _select_app(request, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def select_app(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Ask again which app."""
    draft = draft_of(request, draft_id)
    return finished(draft) or _select_app(request, draft)


def _select_app(
    request: WorkspaceRequest, draft: IntegrationDraft | None
) -> HttpResponse:
    if request.method == "POST":
        form = SelectAppForm(
            request.POST,
            workspace=request.workspace,
            app=_offered(request.POST.get("app", "")),
        )
        if form.is_valid():
            if draft is None:
                draft = drafts.start(
                    request.workspace, answers=form.answers(), actor=request.user
                )
            else:
                drafts.answer(draft, form.answers(), step="app")
            return redirect(URL_OF["service_account"], draft.public_id)
    else:
        answers = draft.answers if draft else {"name": "", "app": ""}
        asked_for = request.GET.get("app", answers.get("app", ""))
        form = SelectAppForm(
            initial={**answers, "app": asked_for},
            workspace=request.workspace,
            app=_offered(asked_for),
        )
    query = search_text(request)
    chosen = _offered(str(form["app"].value() or ""))
    return page(
        request,
        "select_app",
        draft,
        form,
        current="app",
        chosen=chosen,
        app_text=request.POST.get("app_text", ""),
        groups=_grouped(_matching(query) if query else _all_offered()),
        query=query,
    )


@require_GET
@requires(Permission.MANAGE_INTEGRATIONS)
def apps(request: WorkspaceRequest) -> HttpResponse:
    """Answer the search as somebody types: the apps that match, as options (S0-18)."""
    query = search_text(request)
    matching = _matching(query)
    if named := request.GET.get("name", "").replace("\x00", "")[:100]:
        # Whoever typed a name first, most likely typed that of the app in it.
        matching = _named_in(named) or matching
    found = list(matching[: SHOWN + 1])
    return render(
        request,
        "integrations/new/_options.html",
        {
            "apps": [_option(app) for app in found[:SHOWN]],
            "query": query,
            "instead": [] if found else _for_every_app(),
            "more": len(found) > SHOWN,
        },
    )


@require_GET
@requires(Permission.MANAGE_INTEGRATIONS)
def app_fields(request: WorkspaceRequest) -> HttpResponse:
    """Answer with the fields that differ by app, as they were filled (S0-20)."""
    filled = {name: request.GET.get(name, "") for name in ("base_url", "identifier")}
    form = SelectAppForm(
        initial=filled,
        workspace=request.workspace,
        app=_offered(request.GET.get("app", "")),
    )
    return render(request, "integrations/new/_app_fields.html", {"form": form})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def service_account(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Ask how and as whom Keyway logs in."""
    draft = draft_of(request, draft_id)
    app = drafts.app_of(draft)
    if app is None or drafts.is_done(draft):
        return finished(draft) or redirect(URL_OF["app"], draft.public_id)
    if is_by_hand(app):
        return _nobody_logs_in(request, draft, app)
    if request.method == "POST":
        form = ServiceAccountForm(request.POST, workspace=request.workspace, app=app)
        if form.is_valid() and _may_be_used(request, draft, form):
            drafts.answer(draft, form.answers(), step="service_account")
            return redirect(URL_OF["settings"], draft.public_id)
    else:
        form = ServiceAccountForm(
            initial=draft.answers, workspace=request.workspace, app=app
        )
    found = workflows(app)
    accounts = list(drafts.accounts_for(request.workspace, app))
    chosen = str(request.GET.get("account") or form["service_account"].value() or "")
    if not chosen and len(accounts) == 1:
        chosen = str(accounts[0].public_id)
    address = str(draft.answers.get("base_url", ""))
    marked = next((a for a in accounts if str(a.public_id) == chosen), None)
    workflow = str(form["login_workflow"].value() or found[0].value)
    if marked and not form.is_bound:
        workflow = marked.login_workflow
    if marked and not form.is_bound and not origins.is_allowed(marked, address):
        form.ask_for_password(marked)
    return page(
        request,
        "service_account",
        draft,
        form,
        current="service_account",
        app=app,
        workflows=found,
        workflow=workflow,
        logins=[
            {
                "value": each.value,
                "accounts": [a for a in accounts if a.login_workflow == each.value],
            }
            for each in found
            if not each.reason
        ],
        chosen=chosen,
        can_add=can(request.membership, Permission.MANAGE_SERVICE_ACCOUNTS),
        add_url=_add_account_url(draft, app),
    )


def _nobody_logs_in(
    request: WorkspaceRequest, draft: IntegrationDraft, app: App
) -> HttpResponse:
    """Say what it means that people do the work in the app."""
    if request.method == "POST":
        drafts.answer(draft, {"service_account": None}, step="service_account")
        return redirect(URL_OF["settings"], draft.public_id)
    return page(request, "by_hand", draft, None, current="service_account", app=app)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def settings(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Ask for what has a default (S0-31)."""
    draft = draft_of(request, draft_id)
    app = drafts.app_of(draft)
    if app is None or drafts.is_done(draft):
        return finished(draft) or redirect(URL_OF["app"], draft.public_id)
    if request.method == "POST" and "skip" in request.POST:
        defaults = dict.fromkeys(("sync_schedule", "on_unassign", "observe"))
        drafts.answer(draft, defaults, step="settings")
        return redirect(URL_OF["advanced"], draft.public_id)
    if request.method == "POST":
        form = SettingsForm(request.POST, app=app)
        if form.is_valid():
            drafts.answer(draft, form.answers(), step="settings")
            return redirect(URL_OF["advanced"], draft.public_id)
    else:
        initial = {
            "on_unassign": drafts.default_on_unassign(app),
            "observe": "apply",
            **draft.answers,
            **schedule.initial(draft.answers.get("sync_schedule", cron.NEVER)),
        }
        form = SettingsForm(initial=initial, app=app)
    return page(request, "settings", draft, form, current="settings", app=app)


@require_GET
@requires(Permission.MANAGE_INTEGRATIONS)
def advanced(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Offer the user schema, and **Test and save**."""
    draft = draft_of(request, draft_id)
    app = drafts.app_of(draft)
    if app is None or drafts.is_done(draft):
        return finished(draft) or redirect(URL_OF["app"], draft.public_id)
    return page(
        request,
        "advanced",
        draft,
        None,
        current="advanced",
        app=app,
        schema=drafts.schema_of(draft, app),
        schema_url=reverse("integrations:draft_user_schema", args=[draft.public_id]),
        check_url=reverse(URL_OF["check"], args=[draft.public_id]),
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_INTEGRATIONS)
def delete(request: WorkspaceRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Ask, then throw the draft away."""
    draft = draft_of(request, draft_id)
    if request.method == "POST":
        drafts.delete(draft, actor=request.user)
        messages.success(request, f"The draft {draft} is deleted.")
        return redirect("integrations:list")
    part = "#dialog" if request.htmx else ""
    return render(request, f"integrations/new/delete.html{part}", {"draft": draft})


def draft_rows(request: WorkspaceRequest) -> list[dict[str, Any]]:
    """Return the drafts of the workspace for the **Integrations** page. One query."""
    found = IntegrationDraft.objects.filter(workspace=request.workspace)
    return [_draft_row(draft) for draft in found if not drafts.is_done(draft)]


def _draft_row(draft: IntegrationDraft) -> dict[str, Any]:
    state = str(draft.check_result.get("state", ""))
    left = next(
        (key for key in drafts.STEPS if key not in draft.answers.get("steps", [])),
        "advanced",
    )
    step = "check" if state in {"running", "failed"} else left
    return {
        "name": str(draft),
        "state": state,
        "phase": OF_CHECK.get(state),
        "url": reverse(URL_OF[step], args=[draft.public_id]),
        "delete_url": reverse("integrations:draft_delete", args=[draft.public_id]),
        "updated_at": draft.updated_at,
    }


def _may_be_used(
    request: WorkspaceRequest, draft: IntegrationDraft, form: ServiceAccountForm
) -> bool:
    """Say whether the account's password may go to the app; ask for it if not."""
    account: ServiceAccount = form.cleaned_data["service_account"]
    try:
        origins.confirm(
            account,
            str(draft.answers.get("base_url", "")),
            password=form.cleaned_data["password"],
            actor=request.user,
            now=database_now(),
        )
    except (origins.PasswordNeeded, origins.WrongPassword) as error:
        form.ask_for_password(account, str(error))
        return False
    return True


def _add_account_url(draft: IntegrationDraft, app: App) -> str:
    url = reverse("service_accounts:add")
    return f"{url}?app={app.slug}&draft={draft.public_id}"


def _offered(slug: str) -> App | None:
    """Return an app of the catalog that can be chosen."""
    if not slug or "\x00" in slug:
        return None
    return App.objects.filter(slug=slug, is_offered=True).first()


def _all_offered() -> Any:
    return App.objects.filter(is_offered=True).order_by("name")


def _matching(query: str) -> Any:
    """Return the apps that hold every word of the query in name or category."""
    found = _all_offered()
    for word in query.split():
        found = found.filter(Q(name__icontains=word) | Q(category__icontains=word))
    return found


def _for_every_app() -> list[str]:
    """Return the names of what the catalog has for an app that it does not know."""
    found = _all_offered().filter(connector__in=_TAKES_EVERY_APP)
    return list(found.values_list("name", flat=True))


def _named_in(name: str) -> list[App]:
    """Return the apps that share a word with the name of an integration."""
    words = set(name.casefold().split())
    return [app for app in _all_offered() if words & set(app.name.casefold().split())]


def _grouped(found: Any) -> list[tuple[str, list[App]]]:
    """Return apps by category, for the list that works without JavaScript."""
    groups: dict[str, list[App]] = {}
    for app in found:
        groups.setdefault(app.category or "Other", []).append(app)
    return sorted(groups.items())


def _option(app: App) -> dict[str, str]:
    logins = [w.label for w in workflows(app) if not w.reason]
    return {
        "slug": app.slug,
        "name": app.name,
        "initial": app.name[:1].upper(),
        "category": app.category,
        "logins": ", ".join(logins),
    }
