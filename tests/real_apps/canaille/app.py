"""canaille as an OpenID provider of the tests: one client, two people, in memory."""

from __future__ import annotations

import datetime
import os

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import run_simple

PORT = int(os.environ["CANAILLE_PORT"])
PEOPLE = (("bob", "bob@acme.test"), ("eve", "eve@elsewhere.test"))


def seed() -> None:
    """Make the client and the people, as an administrator would."""
    now = datetime.datetime.now(datetime.UTC)
    client = models.Client(
        client_id=os.environ["CANAILLE_CLIENT_ID"],
        client_secret=os.environ["CANAILLE_CLIENT_SECRET"],
        client_id_issued_at=now,
        client_name="Keyway",
        # A trusted client: nobody is asked for consent.
        client_uri="http://127.0.0.1",
        redirect_uris=[os.environ["CANAILLE_REDIRECT_URI"]],
        grant_types=["authorization_code", "client_credentials"],
        response_types=["code"],
        scope=["openid", "email", "profile"],
        token_endpoint_auth_method="client_secret_basic",
    )
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)
    for name, email in PEOPLE:
        person = models.User(
            user_name=name, formatted_name=name, family_name=name, emails=[email]
        )
        Backend.instance.save(person)
        Backend.instance.set_user_password(person, os.environ["CANAILLE_PASSWORD"])


def main() -> None:
    """Serve until the process is told to stop."""
    app = create_app(
        {
            "SECRET_KEY": os.urandom(32).hex(),
            "SERVER_NAME": f"127.0.0.1:{PORT}",
            "PREFERRED_URL_SCHEME": "http",
            "CANAILLE_OIDC": {
                "ACTIVE_JWKS": [RSAKey.generate_key(2048).as_dict(private=True)]
            },
        }
    )
    with app.app_context():
        seed()
    run_simple("127.0.0.1", PORT, app, threaded=True)


main()
