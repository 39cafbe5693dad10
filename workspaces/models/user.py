"""A person who logs in to the portal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.core.exceptions import ValidationError
from django.db import models


def email_key(email: str) -> str:
    """Return the form in which e-mail addresses are compared: NFKC, case folded."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


class UserManager(BaseUserManager["User"]):
    """Creates people and finds them by e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the person with this address; log-in asks through here."""
        return self.get(email_key=email_key(username or ""))

    def create_user(
        self, email: str, password: str | None = None, **columns: Any
    ) -> User:
        """Create a person. Without a password they cannot log in with one."""
        user = self.model(email=email.strip(), email_key=email_key(email), **columns)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def find_or_create(self, email: str, **columns: Any) -> tuple[User, bool]:
        """Return the person with this address, and whether they were made just now.

        Of two calls at the same moment one makes them, without a password.
        """
        return self.get_or_create(
            email_key=email_key(email),
            defaults={
                "email": email.strip(),
                "password": make_password(None),
                **columns,
            },
        )

    def create_superuser(
        self, email: str, password: str | None = None, **columns: Any
    ) -> User:
        """Create somebody who may use the Django admin."""
        return self.create_user(email, password, is_superuser=True, **columns)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Rights in a workspace come from a Membership, never from here."""

    email = models.EmailField(max_length=254, unique=True)
    email_key = models.CharField(max_length=254, unique=True, editable=False)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    first_factor_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the first second factor ever was set up.",
    )
    provisioned_by = models.ForeignKey(
        "workspaces.Workspace",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="Whose IdP made this person, and may rename them.",
    )

    sessions_ended = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="How often all sessions were ended.",
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        """Keep the comparable form in step with the address."""
        super().clean()
        self.email_key = email_key(self.email)
        if User.objects.filter(email_key=self.email_key).exclude(pk=self.pk).exists():
            raise ValidationError({"email": "Somebody has this email address already."})

    def get_session_auth_hash(self) -> str:
        """Return what a session has to know; with another one it is over."""
        return self._counted(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return the same under the former values of SECRET_KEY."""
        return map(self._counted, super().get_session_auth_fallback_hash())

    def _counted(self, digest: str) -> str:
        return f"{digest}.{self.sessions_ended}" if self.sessions_ended else digest

    @property
    def is_staff(self) -> bool:
        """The admin is for superusers only."""
        return self.is_superuser

    @classmethod
    def normalize_username(cls: type[Self], username: str) -> str:
        """Leave the address as typed; `email_key` is the comparable form."""
        return username
