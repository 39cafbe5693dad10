"""Pages of tasks."""

from __future__ import annotations

from django.urls import path

from integrations.views import tasks

app_name = "tasks"
urlpatterns = [
    path("", tasks.index, name="list"),
    path("<uuid:task_id>/", tasks.task, name="task"),
    path("<uuid:task_id>/done/", tasks.done, name="done"),
    path("<uuid:task_id>/cannot-be-done/", tasks.cannot_be_done, name="cannot_be_done"),
]
