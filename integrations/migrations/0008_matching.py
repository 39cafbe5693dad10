"""Whose account it is that a sync found, and which need not be anybody's."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0007_app_calls"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="appaccount",
            name="exempted_at",
            field=models.DateTimeField(
                help_text="Since when it need not belong to a user of the IdP.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="appaccount",
            name="exempted_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="appaccount",
            name="exempt_reason",
            field=models.CharField(blank=True, default="", max_length=500),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="appaccount",
            constraint=models.CheckConstraint(
                condition=Q(exempted_at=None, exempt_reason="")
                | (Q(exempted_at__isnull=False) & ~Q(exempt_reason="")),
                name="account_exempt_for_a_reason",
            ),
        ),
        migrations.AddField(
            model_name="provisioning",
            name="is_matched",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Whether the IdP knows the user. False: a sync found the"
                " account, and nobody has said whose it is.",
            ),
        ),
        migrations.AddIndex(
            model_name="provisioning",
            index=models.Index(
                condition=Q(is_matched=False),
                fields=["integration"],
                name="provisioning_unmatched",
            ),
        ),
    ]
