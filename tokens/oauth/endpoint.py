"""The token endpoint of a directory, and what tells clients of it: RFC 6749, 8414.

Both stand outside of the portal: no session, no cookie. The gate of /scim/ bounds what
may come in and forbids caches.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from tokens.oauth import grants, jose
from tokens.oauth.grants import OAuthError, TooMany
from workspaces.clock import database_now
from workspaces.models import Directory

METADATA_PATH = "/.well-known/oauth-authorization-server"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_LONGEST_BODY = 65_536


@sensitive_variables()
def token(request: HttpRequest, directory_key: str) -> HttpResponse:
    """Give a client that proves itself an access token for its directory."""
    if request.method != "POST":
        response = _error(OAuthError("invalid_request", "Send a POST.", status=405))
        response["Allow"] = "POST"
        return response
    try:
        granted = grants.grant(
            Directory(key=directory_key),
            _params(request),
            authorization=request.META.get("HTTP_AUTHORIZATION", ""),
            address=request.META.get("REMOTE_ADDR", ""),
            now=database_now(),
        )
    except OAuthError as error:
        return _error(error)
    body = {
        "access_token": granted.plaintext,
        "token_type": "Bearer",
        "expires_in": granted.seconds,
        "scope": grants.SCOPE,
    }
    return _answer(body, 200)


@never_cache
@require_GET
@login_not_required
def metadata(_request: HttpRequest, directory_key: str) -> JsonResponse:
    """Tell what the token endpoint of a directory can: RFC 8414 section 2.

    The same for every key, so that it does not tell which directories exist.
    """
    directory = Directory(key=directory_key)
    return JsonResponse(
        {
            "issuer": directory.base_url,
            "token_endpoint": token_url(directory),
            "grant_types_supported": [grants.GRANT],
            "response_types_supported": [],
            "scopes_supported": [grants.SCOPE],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ],
            "token_endpoint_auth_signing_alg_values_supported": list(jose.ALGORITHMS),
        }
    )


def token_url(directory: Directory) -> str:
    """Return the address of the token endpoint of a directory."""
    return grants.token_url(directory)


def metadata_url(directory: Directory) -> str:
    """Return where the metadata of a directory is: RFC 8414 section 3.1."""
    return f"{settings.KEYWAY_PUBLIC_URL}{METADATA_PATH}{directory.path}"


def _params(request: HttpRequest) -> dict[str, str]:
    """Return the form of a request. Raises OAuthError; nothing comes twice."""
    if request.content_type != _FORM:
        raise OAuthError("invalid_request", f"Send the request as {_FORM}.")
    if len(request.body) > _LONGEST_BODY:
        raise OAuthError("invalid_request", "The request is too long.")
    try:
        pairs = parse_qsl(
            request.body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise OAuthError("invalid_request", "The form cannot be read.") from None
    params = dict(pairs)
    if len(params) != len(pairs):
        raise OAuthError("invalid_request", "Send each parameter once.")
    # An empty parameter is none: RFC 6749 section 3.2.
    return {name: value for name, value in params.items() if value}


def _error(error: OAuthError) -> HttpResponse:
    body = {"error": error.code, "error_description": error.description}
    response = _answer(body, error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="oauth"'
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.wait)
    return response


def _answer(body: dict[str, Any], status: int) -> HttpResponse:
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response
