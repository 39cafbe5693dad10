"""Key pairs of an IdP or a client, the JWTs they sign, and the JWKS they publish."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from joserfc import jwk, jwt


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its id and algorithm."""

    key: jwk.RSAKey | jwk.ECKey | jwk.OKPKey
    algorithm: str

    @property
    def public(self) -> dict[str, Any]:
        """The public half as a JWK."""
        return {**self.key.as_dict(private=False), "use": "sig"}

    @property
    def pem(self) -> str:
        """The public half as PEM."""
        return self.key.as_pem(private=False).decode()

    @property
    def private_pem(self) -> str:
        """The private half as PEM, which nobody should enter anywhere."""
        return self.key.as_pem(private=True).decode()

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Return a JWT of the claims, good for five minutes unless they say otherwise.

        A claim of None is left out; a length of time counts from now.
        """
        now = int(time.time())
        usual = {"iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
        said = {
            name: now + value.total_seconds() if isinstance(value, timedelta) else value
            for name, value in {**usual, **claims}.items()
            if value is not None
        }
        head = {"alg": self.algorithm, "kid": self.key.kid, **header}
        head = {n: v for n, v in head.items() if v is not None}
        return jwt.encode(head, said, self.key, algorithms=[self.algorithm])


def forged(claims: dict[str, Any], *, algorithm: str, kid: str, secret: bytes) -> str:
    """Return a JWT of `none`, or of HS256 with whatever the forger takes as secret."""
    head = {"alg": algorithm, "kid": kid}
    parts = [_encoded(json.dumps(part).encode()) for part in (head, claims)]
    text = ".".join(parts)
    mac = hmac.new(secret, text.encode(), "sha256").digest()
    return f"{text}.{_encoded(mac) if algorithm != 'none' else ''}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def rsa(name: str = "rsa-1") -> Signer:
    """Return the RSA key of that id, made once."""
    return Signer(jwk.RSAKey.generate_key(2048, {"kid": name}), "RS256")


@cache
def ec(name: str = "ec-1") -> Signer:
    """Return the P-256 key of that id, made once."""
    return Signer(jwk.ECKey.generate_key("P-256", {"kid": name}), "ES256")


@cache
def ed25519(name: str = "ed-1") -> Signer:
    """Return the Ed25519 key of that id, made once."""
    return Signer(jwk.OKPKey.generate_key("Ed25519", {"kid": name}), "Ed25519")


def jwks(*signers: Signer) -> dict[str, Any]:
    """Return what an IdP publishes."""
    return {"keys": [signer.public for signer in signers]}
