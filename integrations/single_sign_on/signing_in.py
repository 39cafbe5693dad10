"""One sign-in at a provider: the authorization code flow with PKCE, state and nonce."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from integrations.connectors.base import ConnectorError
from integrations.single_sign_on.calls import (
    UNREADABLE,
    GuardedTransport,
    get_document,
    told,
)
from integrations.single_sign_on.id_token import (
    Claims,
    NotBelieved,
    believed,
)
from tokens.oauth import jose
from workspaces import sign_in_providers
from workspaces.models import SignInProvider
from workspaces.secrets import UnreadableSecret
from workspaces.sign_in_providers import Identity, SignInRefused

WITHIN = timedelta(minutes=10)
SCOPE = "openid email profile"
_KEY = "sign_in_at_provider"
_GOOGLE = "https://accounts.google.com"
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that somebody began in this session."""

    state: str
    nonce: str
    verifier: str
    next: str
    again: bool
    """Somebody who is signed in proves anew who they are."""


def redirect_uri(workspace_id: object) -> str:
    """Return where the provider sends people back to: one address a workspace."""
    path = reverse("single_sign_on:callback", args=[workspace_id])
    return f"{settings.KEYWAY_PUBLIC_URL}{path}"


def begin(
    request: HttpRequest,
    provider: SignInProvider,
    *,
    go_to: str,
    again: bool,
    now: datetime,
) -> str:
    """Return the address of the provider that signs the person in.

    The session keeps what the answer must fit. `again` has the provider ask for the
    password, or what it asks for, whoever is signed in there already.
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    begun = Begun(state, nonce, verifier, go_to, again)
    request.session[_KEY] = {
        **asdict(begun),
        "provider": str(provider.public_id),
        "at": now.isoformat(),
    }
    anew = {"prompt": "login", "max_age": "0"} if again else {}
    with _client(provider) as client:
        url, _ = client.create_authorization_url(
            provider.metadata["authorization_endpoint"],
            state=begun.state,
            nonce=begun.nonce,
            code_verifier=begun.verifier,
            **anew,
        )
    return str(url)


def is_again(request: HttpRequest) -> bool:
    """Say whether somebody who is signed in went to prove anew who they are."""
    return bool(request.session.get(_KEY, {}).get("again"))


def begun_here(
    request: HttpRequest, provider: SignInProvider, *, now: datetime
) -> Begun:
    """Return the sign-in that an answer belongs to, once. Raises SignInRefused."""
    kept = request.session.pop(_KEY, None)
    is_ours = (
        kept is not None
        and kept["provider"] == str(provider.public_id)
        and datetime.fromisoformat(kept["at"]) + WITHIN > now
        and constant_time_compare(kept["state"], request.GET.get("state", ""))
    )
    if not is_ours:
        raise SignInRefused(
            "not_begun_here",
            "This sign-in was not begun in this browser, or took longer than "
            "10 minutes. Begin again.",
        )
    return Begun(**{column.name: kept[column.name] for column in fields(Begun)})


def identity_of(
    provider: SignInProvider, answer: Mapping[str, str], begun: Begun, *, now: datetime
) -> Identity:
    """Return whom the provider's answer vouches for. Raises SignInRefused.

    Calls the provider two or three times: for the token, its keys, and the address of
    the person where the token lacks it.
    """
    if "error" in answer or "code" not in answer:
        raise _refused_there(provider, answer.get("error", "no_code"))
    if answer.get("iss", provider.issuer) != provider.issuer:
        # RFC 9207: the answer of another provider, mixed up with this one's.
        raise _not_believed(provider, "wrong_iss")
    try:
        return _identity(provider, answer["code"], begun, now)
    except NotBelieved as error:
        raise _not_believed(provider, error.reason) from None
    except OAuthError as error:
        raise _refused_there(provider, str(error.error)) from None
    except ConnectorError as error:
        raise SignInRefused("no_answer", told(error)) from None
    except UnreadableSecret:
        raise SignInRefused(
            "secret_unreadable",
            f"The client secret of {provider.name} cannot be read with the present "
            "encryption keys. An Owner must enter it again.",
        ) from None


def _identity(
    provider: SignInProvider, code: str, begun: Begun, now: datetime
) -> Identity:
    tokens = _tokens(provider, code, begun.verifier)
    claims = believed(
        str(tokens.get("id_token", "")),
        get_document(provider.metadata["jwks_uri"]),
        issuer=provider.issuer,
        client_id=provider.client_id,
        nonce=begun.nonce,
        now=now,
    )
    if len(claims["sub"]) > _LONGEST_SUBJECT or not claims["sub"].isprintable():
        raise NotBelieved("id_token_invalid_claim_sub")
    told_of = claims if "email" in claims else _userinfo(provider, tokens, claims)
    return Identity(
        subject=claims["sub"],
        email=_printable(told_of.get("email", "")),
        email_is_refuted=not vouches_for_email(provider.issuer, told_of),
        has_second_step=_has_second_step(claims),
        proven_at=_proven_at(claims, now),
    )


def vouches_for_email(issuer: str, told_of: Claims) -> bool:
    """Say whether the provider stands for the address of the person.

    Anybody may open an account at Google with an address from elsewhere. Google
    answers for those of an organization, which it names in `hd`.
    """
    if told_of.get("email_verified", True) in (False, "false"):
        return False
    return issuer != _GOOGLE or bool(told_of.get("hd"))


def _tokens(provider: SignInProvider, code: str, verifier: str) -> dict[str, Any]:
    """Exchange the code for tokens. Raises OAuthError, ConnectorError."""
    secret = sign_in_providers.client_secret(provider)
    with _client(provider, secret) as client:
        try:
            return dict(
                client.fetch_token(
                    provider.metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    redirect_uri=redirect_uri(provider.workspace.public_id),
                )
            )
        except (httpx2.HTTPStatusError, *UNREADABLE, TypeError, OverflowError):
            # An error of the server, no JSON, or JSON that is no token response.
            raise OAuthError("unusable_token_response") from None


def _userinfo(
    provider: SignInProvider, tokens: dict[str, Any], claims: Claims
) -> Claims:
    """Return what the provider says of the person elsewhere: Core, section 5.3."""
    endpoint = provider.metadata["userinfo_endpoint"]
    bearer = str(tokens.get("access_token", ""))
    if not endpoint or not bearer.isascii() or not _printable(bearer):
        return {}
    said = get_document(endpoint, bearer=bearer)
    if said.get("sub") != claims["sub"]:
        raise NotBelieved("userinfo_of_somebody_else")
    return said


def _printable(text: object) -> str:
    """Return a text of the provider; none if a database or a header refused it."""
    return str(text) if str(text).isprintable() else ""


def _has_second_step(claims: Claims) -> bool:
    """Say whether the provider asked for a second step: `mfa` of RFC 8176."""
    methods = claims.get("amr")
    return claims.get("acr") == "mfa" or (
        isinstance(methods, list) and "mfa" in methods
    )


def _proven_at(claims: Claims, now: datetime) -> datetime | None:
    """Return `auth_time`, which no clock of another may put into our future."""
    at = claims.get("auth_time")
    if (
        not isinstance(at, int | float)
        or not 0 <= at <= now.timestamp() + jose.SKEW_SECONDS
    ):
        return None
    return min(datetime.fromtimestamp(at, UTC), now)


def _client(provider: SignInProvider, secret: str = "") -> OAuth2Client:
    return OAuth2Client(
        provider.client_id,
        secret,
        token_endpoint_auth_method=provider.metadata["token_auth_method"],
        scope=SCOPE,
        redirect_uri=redirect_uri(provider.workspace.public_id),
        code_challenge_method="S256",
        transport=GuardedTransport(),
        trust_env=False,
    )


def _refused_there(provider: SignInProvider, code: str) -> SignInRefused:
    known = code if code.isascii() and code.replace("_", "").isalnum() else "unknown"
    return SignInRefused(
        f"provider_{known[:40]}",
        f"{provider.name} did not sign you in ({known[:40]}). Try again; if it stays "
        "so, tell an Owner of your workspace.",
    )


def _not_believed(provider: SignInProvider, reason: str) -> SignInRefused:
    return SignInRefused(
        reason,
        f"The answer of {provider.name} cannot be trusted ({reason}). Sign in again; "
        "if it stays so, tell an Owner of your workspace.",
    )
