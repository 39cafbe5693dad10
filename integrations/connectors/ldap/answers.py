"""What the result code of a directory means. RFC 4511 section 4.1.9, appendix A."""

from __future__ import annotations

from enum import IntEnum

from integrations.connectors import failures
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)

NO_TLS = (
    "The app's directory does not offer TLS at this address, or insists on it there. "
    "Use its ldaps:// address, or let its administrator turn StartTLS on."
)
NO_BASE = (
    "The app has no entry at one of the DNs that Keyway searches. Check the base DN "
    "of the integration, and that the service account may read it."
)
NO_DN = (
    "The app does not take what was entered as a DN. Write the base DN and the "
    "service account's user name as in cn=keyway,ou=services,dc=example,dc=com."
)
CUT_OFF = (
    "The app gives the service account a part of its entries only. Nothing is "
    "concluded from it: raise the account's size limit in the directory."
)
ELSEWHERE = (
    "The app refers Keyway to another server of the directory, and Keyway follows no "
    "referral. Enter the address of the server that takes changes."
)
NOT_ABLE = (
    "The app's directory lacks something that Keyway needs: paged results, or the "
    "password extension. Its administrator must switch it on."
)


class Code(IntEnum):
    """Result codes with a meaning for us."""

    SUCCESS = 0
    PROTOCOL_ERROR = 2
    TIME_LIMIT = 3
    SIZE_LIMIT = 4
    NO_SUCH_VALUE = 16
    VALUE_EXISTS = 20
    NO_SUCH_ENTRY = 32
    BREAKS_CLASS = 65
    ENTRY_EXISTS = 68


_MISCONFIGURED = {
    2: NOT_ABLE,
    4: CUT_OFF,
    7: NO_TLS,
    8: NO_TLS,
    10: ELSEWHERE,
    11: CUT_OFF,
    12: NOT_ABLE,
    13: NO_TLS,
    32: NO_BASE,
    34: NO_DN,
    48: failures.REFUSED,
    49: failures.REFUSED,
    50: failures.FORBIDDEN,
}
_TEMPORARY = {1, 3, 51, 52, 54, 80}


def error_for(code: int, words: str) -> ConnectorError:
    """Return the error that a result becomes. `words` are the directory's own."""
    if code in _MISCONFIGURED:
        return Misconfigured(_MISCONFIGURED[code])
    if code in _TEMPORARY:
        return TemporaryFailure(failures.FAILED)
    if code == Code.ENTRY_EXISTS:
        return PermanentFailure(failures.TAKEN)
    return failures.refuses(words)
