"""What the Django admin cannot do is said to the superuser, and nothing is changed.

Two superusers at once, a row that is gone meanwhile, a rule of a service, a filter or a
selection that no page offers: none of them is an error of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError
from django.db.models import ForeignKey, ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from workspaces.errors import MemberError

_BY_LISTS = {"", "__exact", "__isnull", "__isempty", "__id__exact"}
"""What Django's filters put behind the name of a field."""

_SOMEBODY_ELSE = (
    "Somebody else saved the same a moment before. Nothing was changed. Look at it, "
    "then try again."
)
_GONE = "This was deleted a moment before. Nothing was changed."


class RefusingAdmin(admin.ModelAdmin):
    """Answers what cannot be done with a sentence instead of a 5xx."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (MemberError,)
    """Errors of the services behind the pages. Their text is for people."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kw: Any) -> Any:
        """Add or change a row, or say why not."""
        return self._or_refuse(request, super().changeform_view, *args, **kw)

    def delete_view(self, request: HttpRequest, *args: Any, **kw: Any) -> Any:
        """Delete a row, or say why not."""
        return self._or_refuse(request, super().delete_view, *args, **kw)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Filter by what the lists offer and by what rows belong to, nothing else.

        A filter on another column could fail in the database, or spell a secret out.
        """
        return "\0" not in value and lookup in self._lookups(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leave out Django's deletion of many: it reports as deleted what a rule keeps."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kw: Any
    ) -> HttpResponse | None:
        """Act on the chosen rows. Refuses keys that are none."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.run_validators(self.opts.pk.to_python(key))
        except ValidationError:
            self.message_user(request, "Choose rows of this list.", messages.ERROR)
            return None
        return super().response_action(request, queryset, *args, **kw)

    def act_on_each(
        self,
        request: HttpRequest,
        chosen: QuerySet[Any],
        act: Callable[[Any], str],
    ) -> None:
        """Call a service for each row and say what came of it; `act` returns that."""
        for row in chosen:
            try:
                self.message_user(request, act(row), messages.SUCCESS)
            except self.refusals as error:
                self.message_user(request, f"{row}: {error}", messages.ERROR)

    def _or_refuse(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        *args: Any,
        **kw: Any,
    ) -> HttpResponse:
        """Answer with the view; what a POST of it raises has undone its transaction."""
        if request.method != "POST":
            return view(request, *args, **kw)
        try:
            return view(request, *args, **kw)
        except self.refusals as error:
            return self._refuse(request, str(error))
        except ObjectDoesNotExist:
            return self._refuse(request, _GONE)
        except IntegrityError:
            return self._refuse(request, _SOMEBODY_ELSE)

    def _refuse(self, request: HttpRequest, why: str) -> HttpResponse:
        self.message_user(request, why, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def _lookups(self, request: HttpRequest) -> Iterator[str]:
        for field in (*self.opts.fields, *self.opts.many_to_many):
            if isinstance(field, ForeignKey | ManyToManyField):
                yield f"{field.name}__id__exact"
        for listed in self.get_list_filter(request):
            if isinstance(listed, type):
                yield listed.parameter_name  # type: ignore[attr-defined]
            else:
                name = listed[0] if isinstance(listed, tuple) else listed
                yield from (f"{name}{ending}" for ending in _BY_LISTS)
