"""The door: find the provider, go there, come back signed in."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from integrations.single_sign_on import signing_in
from integrations.single_sign_on.forms import EmailForm
from workspaces import audit, factors, sign_in_providers
from workspaces.clock import database_now
from workspaces.factors import second_step, vouched
from workspaces.models import SignInLink, SignInProvider, User
from workspaces.rate_limits import RateLimit
from workspaces.sign_in import BACKEND
from workspaces.sign_in_providers import Identity, SignInRefused
from workspaces.views.second_step import go_to

RATE_LIMIT = RateLimit("single_sign_on")
ANSWERS_A_SECOND, ANSWERS_AT_ONCE = 1, 60
"""Of one address at one provider: an office that begins its day comes through."""


@never_cache
@login_not_required
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Ask for an address, and lead to the provider of its domain."""
    form = EmailForm(request.POST if request.method == "POST" else None)
    providers: list[SignInProvider] = []
    if form.is_valid():
        providers = sign_in_providers.for_email(form.cleaned_data["email"])
        if len(providers) == 1:
            return redirect(_begin_url(request, providers[0]))
        if not providers:
            form.add_error("email", _nobody(form.cleaned_data["email"]))
    context = {
        "form": form,
        "next": go_to(request),
        "choices": [
            {"provider": each, "url": _begin_url(request, each)} for each in providers
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "single_sign_on/find.html", context, status=status)


@never_cache
@login_not_required
@require_GET
def begin(request: HttpRequest, workspace_id: UUID) -> HttpResponse:
    """Lead to a workspace's provider.

    By a page, not a redirect: the browser would count that to the form before it,
    and our policy lets forms go nowhere else.
    """
    provider = _provider(workspace_id)
    again = "again" in request.GET and vouched.is_vouched(request)
    if isinstance(request.user, User) and not again:
        return redirect("home")
    url = signing_in.begin(
        request, provider, go_to=go_to(request), again=again, now=database_now()
    )
    context = {"provider": provider, "url": url}
    return render(request, "single_sign_on/begin.html", context)


@never_cache
@login_not_required
@require_GET
def callback(request: HttpRequest, workspace_id: UUID) -> HttpResponse:
    """Take the provider's answer, and sign in whom it vouches for."""
    provider = _provider(workspace_id)
    now = database_now()
    if isinstance(request.user, User) and not signing_in.is_again(request):
        return redirect("home")
    try:
        begun = signing_in.begun_here(request, provider, now=now)
        _count(request, provider)
        identity = signing_in.identity_of(provider, request.GET.dict(), begun, now=now)
        link = sign_in_providers.enter(provider, identity, now=now)
        _check_same(request, link)
    except SignInRefused as refused:
        return _refuse(request, provider, refused)
    note = vouched.note_of(link, identity)
    if _is_asked_here(link, identity):
        link.user.backend = BACKEND
        second_step.begin(request, link.user, go_to=begun.next, now=now, vouched=note)
        return redirect("workspaces:second_step")
    vouched.begin(request, link.user, note, backend=BACKEND)
    return redirect(begun.next or resolve_url("home"))


def _provider(workspace_id: UUID) -> SignInProvider:
    return get_object_or_404(
        SignInProvider.objects.select_related("workspace"),
        workspace__public_id=workspace_id,
    )


def _count(request: HttpRequest, provider: SignInProvider) -> None:
    """Let nobody drive calls to a provider without end. Raises SignInRefused."""
    key = f"{provider.public_id}.{request.META.get('REMOTE_ADDR')}"
    allowance = RATE_LIMIT.take(key, rate=ANSWERS_A_SECOND, burst=ANSWERS_AT_ONCE)
    if allowance.wait:
        raise SignInRefused(
            "too_many",
            "Too many sign-ins come from your network. Wait a minute, then sign in "
            "again.",
        )


def _check_same(request: HttpRequest, link: SignInLink) -> None:
    """Raise SignInRefused if the provider vouches for another than is signed in."""
    if isinstance(request.user, User) and request.user != link.user:
        raise SignInRefused(
            "somebody_else",
            f"{link.provider} signed {link.user} in, and you are {request.user}. Sign "
            "out there, then try again.",
        )


def _is_asked_here(link: SignInLink, identity: Identity) -> bool:
    """Say whether the person proves a second factor of theirs here too."""
    is_trusted = link.provider.trusts_second_step and identity.has_second_step
    return not is_trusted and bool(factors.usable(link.user))


def _refuse(
    request: HttpRequest, provider: SignInProvider, refused: SignInRefused
) -> HttpResponse:
    audit.record(
        audit.SignIn.FAILED,
        workspace=provider.workspace,
        actor=None,
        target=provider,
        data={"reason": refused.reason},
    )
    messages.error(request, refused.message)
    return redirect("workspaces:login")


def _begin_url(request: HttpRequest, provider: SignInProvider) -> str:
    url = reverse("single_sign_on:begin", args=[provider.workspace.public_id])
    wanted = go_to(request)
    return f"{url}?{urlencode({'next': wanted}, safe='/')}" if wanted else url


def _nobody(email: str) -> str:
    domain = email.rpartition("@")[2]
    return (
        f"No workspace signs people of {domain} in with an identity provider. Sign in "
        "with your password or passkey, or ask an Owner of your workspace."
    )
