"""The smallest user and group models that django-scim2 accepts."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Group(AbstractSCIMGroupMixin):
    name = models.CharField(max_length=200, db_index=True)


class User(AbstractSCIMUserMixin, AbstractUser):
    groups = models.ManyToManyField(Group, related_name="user_set")

    @property
    def scim_groups(self):
        return self.groups
