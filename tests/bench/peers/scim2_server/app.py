"""scim2-server's in-memory test server as one WSGI application."""

from __future__ import annotations

import os

from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import (
    BEARER_TOKEN_SCHEME,
    BearerTokenApplication,
)
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

config = load_default_service_provider_config()
config.authentication_schemes = [BEARER_TOKEN_SCHEME]
provider = ScimProvider.from_discovery(
    list(load_default_schemas().values()),
    list(load_default_resource_types().values()),
    config=config,
)
app = BearerTokenApplication(
    InMemoryStorage(),
    provider,
    service=ScimService(provider, secret="bench"),
    bearer_tokens=[os.environ.get("BENCH_TOKEN", "bench-token")],
)
