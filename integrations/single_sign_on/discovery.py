"""What a provider says about itself: OpenID Connect Discovery 1.0, section 4."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import httpx2

from integrations.connectors.base import Misconfigured
from integrations.single_sign_on.calls import get_document

_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of a discovery document that signing in needs. Empty: it has none."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    token_auth_method: str

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored."""
        return asdict(self)


def discover(issuer: str) -> Metadata:
    """Ask the provider at `issuer` for its endpoints. Raises ConnectorError.

    A slash at the end is the one liberty: the issuer is then as the provider spells it.
    """
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document = get_document(url)
    said = document.get("issuer")
    if not isinstance(said, str) or said.rstrip("/") != issuer.rstrip("/"):
        name = str(said)[:200] if str(said).isprintable() else "what is no address"
        raise Misconfigured(
            f"The identity provider calls itself {name}. Enter that as the issuer, if "
            "it is yours."
        )
    return Metadata(
        issuer=said,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", said),
        token_endpoint=_endpoint(document, "token_endpoint", said),
        jwks_uri=_endpoint(document, "jwks_uri", said),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", said)
        if "userinfo_endpoint" in document
        else "",
        token_auth_method=_auth_method(document),
    )


def _endpoint(document: dict[str, object], name: str, issuer: str) -> str:
    """Return an endpoint: over TLS, unless the issuer itself is not."""
    url = str(document.get(name))
    try:
        parts = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        parts = httpx2.URL()
    allowed = ("https", httpx2.URL(issuer).scheme)
    if parts.scheme not in allowed or not parts.host or parts.userinfo:
        raise Misconfigured(
            f"The identity provider names no usable {name}. Its administrator must "
            "mend its discovery document."
        )
    return url


def _auth_method(document: dict[str, object]) -> str:
    """Return how the client secret is sent. Without a word, Basic: section 3."""
    offered = document.get("token_endpoint_auth_methods_supported", _AUTH_METHODS[:1])
    known = [
        m for m in _AUTH_METHODS if isinstance(offered, list | tuple) and m in offered
    ]
    if not known:
        raise Misconfigured(
            "The identity provider takes no client secret (client_secret_basic or "
            "client_secret_post). Choose another kind of client there."
        )
    return known[0]
