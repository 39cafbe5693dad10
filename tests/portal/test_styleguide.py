from __future__ import annotations

import pytest
from django.test import RequestFactory

from workspaces.views.styleguide import styleguide


@pytest.mark.django_db
def test_renders_every_component(rf: RequestFactory) -> None:
    request = rf.get("/styleguide/")
    request.htmx = False

    answer = styleguide(request)

    assert answer.status_code == 200
    assert b"There is a problem" in answer.content
