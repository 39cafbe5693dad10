"""**Workspace Configuration**: the tab **Single sign-on**. For Owners."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from integrations.connectors.base import ConnectorError
from integrations.single_sign_on.calls import told
from integrations.single_sign_on.discovery import discover
from integrations.single_sign_on.forms import ProviderForm
from integrations.single_sign_on.signing_in import redirect_uri
from workspaces import configuration, sign_in_providers
from workspaces.clock import database_now
from workspaces.models import EmailDomain, SignInLink, SignInProvider
from workspaces.pages import page_of
from workspaces.permissions import Permission, WorkspaceRequest, requires
from workspaces.sign_in_providers import SecretNeeded, Settings
from workspaces.views.security import proven

TAB = "Single sign-on"
_PAGE = "single_sign_on:settings"


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
@proven
def index(request: WorkspaceRequest) -> HttpResponse:
    """Show the provider and whom it is linked to, and change it."""
    provider = sign_in_providers.of(request.workspace)
    if request.method == "GET":
        return _page(request, provider, ProviderForm.of(provider))
    form = ProviderForm(request.POST, provider=provider)
    if form.is_valid() and _save(request, form):
        messages.success(
            request,
            "Saved. Sign in with it in a private window before you tell your people.",
        )
        return redirect(_PAGE)
    return _page(request, provider, form, status=422)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
@proven
def delete(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Ask, then forget the provider. Everybody signs in here again."""
    provider = get_object_or_404(
        SignInProvider.objects.select_related("workspace"),
        workspace=request.workspace,
        public_id=public_id,
    )
    if request.method == "POST":
        sign_in_providers.delete(provider, actor=request.user)
        messages.success(request, f"{provider.name} is deleted.")
        return _back(request)
    context = {"provider": provider, "count": provider.links.count()}
    return _dialog(request, "single_sign_on/delete.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_POLICY)
@proven
def unlink(request: WorkspaceRequest, public_id: UUID) -> HttpResponse:
    """Ask, then forget which identity of the provider a member is."""
    link = get_object_or_404(
        SignInLink.objects.filter(workspace=request.workspace).select_related(
            "user", "provider", "workspace"
        ),
        public_id=public_id,
    )
    if request.method == "POST":
        sign_in_providers.unlink(link, actor=request.user)
        messages.success(request, f"{link.user} is unlinked.")
        return _back(request)
    return _dialog(request, "single_sign_on/unlink.html", {"link": link})


def _save(request: WorkspaceRequest, form: ProviderForm) -> bool:
    """Read the provider's endpoints and keep all of it. False: the form says why not."""
    data = form.cleaned_data
    try:
        metadata = discover(data["issuer"])
        wanted = Settings(
            name=data["name"],
            issuer=metadata.issuer,
            client_id=data["client_id"],
            client_secret=data["client_secret"],
            trusts_second_step=data["trusts_second_step"],
            metadata=metadata.as_json(),
        )
        sign_in_providers.save(
            request.workspace, wanted, actor=request.user, now=database_now()
        )
    except ConnectorError as error:
        form.add_error("issuer", told(error))
    except SecretNeeded:
        form.add_error("client_secret", "Enter the client secret of this issuer.")
    return form.is_valid()


def _page(
    request: WorkspaceRequest,
    provider: SignInProvider | None,
    form: ProviderForm,
    *,
    status: int = 200,
) -> HttpResponse:
    workspace = request.workspace
    links = SignInLink.objects.filter(workspace=workspace).select_related("user")
    page = page_of(request, links.order_by("user__email_key", "pk"))
    proven = EmailDomain.objects.filter(workspace=workspace, proven_at__isnull=False)
    path = reverse("single_sign_on:begin", args=[workspace.public_id])
    context = {
        "tabs": configuration.tabs_for(request, current=TAB),
        "provider": provider,
        "form": form,
        "redirect_uri": redirect_uri(workspace.public_id),
        "sign_in_url": f"{settings.KEYWAY_PUBLIC_URL}{path}",
        "domains": list(proven.values_list("name", flat=True)),
        "page_obj": page,
        "links": page.object_list,
    }
    return render(request, "single_sign_on/settings.html", context, status=status)


def _dialog(
    request: WorkspaceRequest, template: str, context: dict[str, Any]
) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    return render(request, template + part, {**context, "cancel_url": reverse(_PAGE)})


def _back(request: WorkspaceRequest) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(reverse(_PAGE))
    return redirect(_PAGE)
