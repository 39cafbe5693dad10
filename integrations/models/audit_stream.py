"""Where a workspace streams its audit log to, and how far that has come."""

from __future__ import annotations

import uuid

from django.db import models

from workspaces import secrets
from workspaces.models import Workspace


class AuditStream(models.Model):
    """The one destination of a workspace's audit log. Its header is encrypted."""

    class Transport(models.TextChoices):
        """How events travel."""

        HTTPS = "https", "HTTPS"
        TLS = "tls", "Syslog over TLS"
        TCP = "tcp", "Syslog over TCP"
        UDP = "udp", "Syslog over UDP"

    class Format(models.TextChoices):
        """What an event looks like on the way."""

        OCSF = "ocsf", "OCSF (JSON)"
        CEF = "cef", "CEF"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.OneToOneField(
        Workspace, on_delete=models.CASCADE, related_name="audit_stream"
    )
    transport = models.CharField(max_length=5, choices=Transport)
    address = models.CharField(
        max_length=500, help_text="A URL for HTTPS, host and port for syslog."
    )
    format = models.CharField(max_length=4, choices=Format)
    authority = models.TextField(
        blank=True,
        help_text="Certificates (PEM) that alone are trusted; empty: public.",
    )
    header_name = models.CharField(max_length=100, blank=True)
    sealed_header = models.TextField(blank=True)
    sequence = models.PositiveBigIntegerField(
        default=0, help_text="The place in the chain of the last event that was sent."
    )
    sent_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.get_transport_display()} to {self.origin}"

    @property
    def is_http(self) -> bool:
        """Whether events go by HTTP, and not by syslog."""
        return self.transport == self.Transport.HTTPS

    @property
    def url(self) -> str:
        """The address with a scheme that says how to get there."""
        return url_of(self.transport, self.address)

    @property
    def origin(self) -> str:
        """The address without its path, which some services keep secret."""
        scheme, mark, rest = self.address.partition("://")
        return f"{scheme}{mark}{rest.partition('/')[0]}"

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """How the audit log names this stream."""
        return "audit_stream", str(self.public_id), str(self)

    @property
    def header_address(self) -> secrets.Address:
        """Where the sealed header lives."""
        return secrets.Address(
            workspace=str(self.workspace.public_id),
            table="integrations_auditstream",
            row=str(self.public_id),
            column="sealed_header",
        )


def url_of(transport: str, address: str) -> str:
    """Return an address as typed with the scheme of its transport."""
    if transport == AuditStream.Transport.HTTPS:
        return address
    return f"syslog+{transport}://{address}"
