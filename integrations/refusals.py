"""Why a SCIM request was refused, whose side it is, and what to do: in words.

By the status of the answer. A request without a right token is not among them: it
belongs to no directory, so that no record of it can be shown.
"""

from __future__ import annotations

from typing import Final

_BY_STATUS: Final = {
    400: "The request breaks SCIM's rules or the user schema. Your IdP shows the "
    "answer, which names the attribute. Compare its mapping with the attributes below.",
    403: "Roles and entitlements are read from the app and cannot be changed by your "
    "IdP. Take them out of what it pushes.",
    404: "Your IdP asked for somebody who is not here, or for an address that does "
    "not exist. Check that its URL is exactly the SCIM Gateway URL. If the person was "
    "deleted here, import the users into your IdP again.",
    405: "Your IdP used a method that this address does not have. Check that its URL "
    "is exactly the SCIM Gateway URL.",
    409: "Somebody with this user name, or a group with this name, is here already. "
    "Sync, then import into your IdP and confirm the match.",
    412: "The user was changed by somebody else in between. Your IdP reads it again "
    "and repeats the change by itself.",
    413: "The request is larger than this gateway accepts. Let your IdP send fewer "
    "members at once.",
    415: "The body is no JSON. Set the media type of your IdP to "
    "application/scim+json.",
    429: "Your IdP sent more requests a second than one token may. It waits and "
    "repeats them by itself.",
    501: "Your IdP asked for something that this gateway does not offer. Turn it off "
    "in your IdP.",
}
_OURS: Final = (
    "This gateway failed. Your IdP repeats the request by itself. If it happens "
    "again, look for the request id in the gateway's log."
)
_ELSE: Final = "Your IdP shows the answer, which says what was expected."


def cause_and_cure(status: int) -> str:
    """Return what the answer with this status means for whoever sets up the IdP."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _OURS if status >= 500 else _ELSE
