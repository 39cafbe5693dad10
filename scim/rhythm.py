"""The usual rhythm of a connection: how long its IdP lets pass between two calls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Window
from django.db.models.functions import Lag

from scim.models import RequestRecord
from scim.recent import BURST, MIN_GAPS
from workspaces.models import Directory

LOOK_BACK = timedelta(days=30)
MIN_REQUESTS = 20
SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What 30 days of requests say of the gaps between bursts."""

    usual: timedelta
    """19 of 20 gaps are no longer: the 95th percentile."""

    second_longest: timedelta
    """Nights and weekends come again; one outage of the IdP does not."""


def rhythm_of(directory: Directory, *, now: datetime) -> Rhythm | None:
    """Return the rhythm, None while there are too few requests to tell. Two queries.

    Requests less than a minute apart are one call of the IdP, so that there is at most
    one gap a minute to read.
    """
    records = RequestRecord.objects.filter(
        directory=directory, at__gt=now - LOOK_BACK
    ).order_by()
    if records[:MIN_REQUESTS].count() < MIN_REQUESTS:
        return None
    before = Window(Lag("at"), order_by=F("at").asc())
    gap = ExpressionWrapper(F("at") - F("before"), output_field=DurationField())
    gaps = sorted(
        records.annotate(before=before)
        .annotate(gap=gap)
        .filter(gap__gte=BURST)
        .values_list("gap", flat=True)
    )
    if len(gaps) < MIN_GAPS:
        return None
    return Rhythm(gaps[math.ceil(SHARE * len(gaps)) - 1], gaps[-2])
