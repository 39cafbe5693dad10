"""A whole Flask-AppBuilder app: nothing but its security API, on SQLite."""

from __future__ import annotations

import os
import secrets

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.models.sqla.base import SQLA

app = Flask(__name__)
app.config.update(
    SECRET_KEY=secrets.token_hex(),
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{os.environ['FAB_DATA']}",
    FAB_ADD_SECURITY_API=True,
    RATELIMIT_ENABLED=False,
)
db = SQLA(app)

with app.app_context():
    builder = AppBuilder(app, db.session)
    security = builder.sm
    admin = security.find_role("Admin")
    name, password = os.environ["FAB_ADMIN_USERNAME"], os.environ["FAB_ADMIN_PASSWORD"]
    security.add_user(name, "Keyway", "Service", f"{name}@example.com", admin, password)
    security.add_role("Analyst")
    security.add_group("Finance", "Finance", "", roles=[security.find_role("Analyst")])

if __name__ == "__main__":
    app.run(port=int(os.environ["FAB_PORT"]), threaded=True)
