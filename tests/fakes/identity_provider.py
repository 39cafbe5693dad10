"""An OpenID provider in a few lines, that signs what a test wants signed."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.fakes.json_app import Asked, json_app

CLIENT_ID = "keyway"
CLIENT_SECRET = "secret-of-the-client-1"
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})


def jwks() -> dict[str, Any]:
    return {"keys": [KEY.as_dict(private=False)]}


@dataclass
class Provider:
    """Where it is, and what it says of whom."""

    issuer: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    """What the discovery document says instead."""
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def authorize(self, url: str, **claims: Any) -> dict[str, str]:
        """Let a person sign in at the address that Keyway led to; return the answer."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        assert url.startswith(f"{self.issuer}/authorize?")
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT_ID
        code = f"code-{len(self.codes)}"
        now = int(time.time())
        made = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "sub-of-bob",
            "email": "bob@acme.test",
            "nonce": query["nonce"],
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        kept = {name: value for name, value in made.items() if value is not None}
        self.codes[code] = {"query": query, "claims": kept}
        return {"code": code, "state": query["state"]}

    def answering(self, asked: Asked) -> tuple[int, object]:
        self.asked.append(asked)
        if asked.path == "/.well-known/openid-configuration":
            return 200, self._document()
        if asked.path == "/jwks":
            return 200, jwks()
        if asked.path == "/userinfo":
            is_known = asked.headers.get("authorization") == "Bearer at-1"
            return (200, self.userinfo) if is_known else (401, {})
        return self._token(asked)

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            **self.overrides,
        }

    def _token(self, asked: Asked) -> tuple[int, object]:
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return 401, {"error": "invalid_client"}
        form = dict(parse_qsl(str(asked.body)))
        grant = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            grant is None
            or grant["query"]["code_challenge"] != challenge
            or grant["query"]["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        header = {"alg": "ES256", "kid": "one"}
        return 200, {
            "token_type": "Bearer",
            "access_token": "at-1",
            "expires_in": 300,
            "id_token": jwt.encode(header, grant["claims"], KEY),
        }


@contextmanager
def identity_provider() -> Iterator[Provider]:
    """Run a provider on loopback while the block lasts."""
    provider = Provider()
    with json_app(provider.answering) as app:
        provider.issuer = app.base_url
        yield provider
