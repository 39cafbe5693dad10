"""A service account logs in by user name and password, or by an access token."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0009_find_unmatched"),
        ("workspaces", "0012_tokens_of_deactivated"),
    ]

    operations = [
        migrations.AlterField(
            model_name="serviceaccount",
            name="login_workflow",
            field=models.CharField(
                choices=[
                    ("password", "Username and password"),
                    ("access_token", "Access token"),
                ],
                default="password",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="serviceaccount",
            name="username",
            field=models.CharField(
                blank=True,
                help_text="Empty where a token is all there is.",
                max_length=254,
            ),
        ),
        migrations.AddConstraint(
            model_name="serviceaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("login_workflow", "access_token"), ("username", "")),
                    models.Q(
                        ("login_workflow", "password"),
                        models.Q(("username", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="service_account_logs_in_one_way",
            ),
        ),
    ]
