"""A JupyterHub for the tests: everything on loopback, one administrator."""

from __future__ import annotations

import os

from traitlets.config import get_config

c = get_config()
c.JupyterHub.bind_url = os.environ["HUB_URL"]
c.JupyterHub.hub_bind_url = os.environ["HUB_INTERNAL_URL"]
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = "cookie_secret"
c.JupyterHub.log_level = "WARN"
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["HUB_ADMIN_PASSWORD"]
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {os.environ["HUB_ADMIN_USERNAME"]}
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.load_groups = {"editors": {"users": []}, "viewers": {"users": []}}
c.ConfigurableHTTPProxy.command = os.environ["HUB_PROXY"]
c.ConfigurableHTTPProxy.api_url = os.environ["HUB_PROXY_API_URL"]
