"""Why something failed, whose side it is on, and what to do, in words.

Connectors say what happened in their own sentence; here stands who must act. A
test holds that each of their sentences is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from scim.protocol.tolerances import Tolerance

IDP, GATEWAY, APP = "Your IdP", "This gateway", "The app"
INTEGRATION = "The integration's settings"


@dataclass(frozen=True, slots=True)
class Cause:
    """What happened, whose side it is on, and the next step."""

    what: str
    side: str
    fix: str


_RETRIES = "Keyway tries again by itself. If it lasts, ask whoever runs the app."
_OF_MESSAGES: tuple[tuple[str, str, str], ...] = (
    (
        "The app does not accept the service account's user name and password",
        INTEGRATION,
        "Replace the password of the service account. Waiting work is tried at once.",
    ),
    (
        "The app accepts the service account's password and then refuses",
        APP,
        "Check in the app that the service account is not locked, then retry.",
    ),
    (
        "The service account lacks the right",
        APP,
        "Give the service account the app's admin role, then retry.",
    ),
    ("The password of ", INTEGRATION, "Enter the service account's password again."),
    (
        "The app already has an account with this user name",
        APP,
        "Rename or delete the other account in the app, or sync to link it, then "
        "retry.",
    ),
    (
        "The app has one account of this name, and it belongs to another user",
        IDP,
        "Give one of the two users another user name in your IdP.",
    ),
    (
        "The app has more than one account with this user name",
        APP,
        "Keep one of these accounts in the app, then retry.",
    ),
    (
        "This is the account with which Keyway works",
        INTEGRATION,
        "Use a service account that is no person's, then retry.",
    ),
    (
        "The app's directory does not offer TLS",
        APP,
        "The directory's administrator turns StartTLS on; or enter an ldaps:// address.",
    ),
    (
        "The app has no entry at one of the DNs",
        INTEGRATION,
        "Correct the base DN, or let the service account read that part of the tree.",
    ),
    (
        "The app does not take what was entered as a DN",
        INTEGRATION,
        "Write the base DN and the bind DN in full.",
    ),
    (
        "The app gives the service account a part of its entries only",
        APP,
        "Raise the service account's size limit in the directory, then sync.",
    ),
    (
        "The app refers Keyway to another server",
        INTEGRATION,
        "Enter the address of the server that takes changes.",
    ),
    (
        "The app's directory lacks something that Keyway needs",
        APP,
        "The directory's administrator switches it on.",
    ),
    (
        "The app answered with something that is not LDAP",
        INTEGRATION,
        "Check that the address is that of the directory.",
    ),
    (
        "The app's entries lack the attribute",
        APP,
        "Let the service account read that attribute, or change the manifest.",
    ),
    (
        "The app's manifest has no login of this kind",
        INTEGRATION,
        "Choose a service account whose login workflow the app has.",
    ),
    (
        "The account was changed in the app at the same moment",
        APP,
        "Nothing: Keyway reads it again and tries once more.",
    ),
    (
        "The app's group must have a member",
        APP,
        "Add another member to the group, or a placeholder to the manifest.",
    ),
    (
        "The user's end of validity is no date and time",
        IDP,
        "Let the IdP send a date and time with a zone, or none.",
    ),
    (
        "The app's database server lets nobody in",
        APP,
        "The server's administrator adds a line for Keyway to pg_hba.conf.",
    ),
    (
        "The app's database server does not offer TLS",
        APP,
        "The server's administrator switches ssl on.",
    ),
    (
        "The app at this address is a standby",
        INTEGRATION,
        "Enter the address of the primary server.",
    ),
    (
        "The service account is a superuser",
        APP,
        "Use a role with LOGIN and CREATEROLE alone.",
    ),
    (
        "A role's name has at most 63 bytes",
        IDP,
        "Shorten the user name in your IdP.",
    ),
    (
        "PostgreSQL keeps this user name for itself",
        IDP,
        "Give the user another user name in your IdP.",
    ),
    (
        "The app keeps the role, because it owns objects",
        APP,
        "A superuser hands its objects over, then retry.",
    ),
    (
        "The app answered with something that is not PostgreSQL",
        INTEGRATION,
        "Check that the address is that of the database server.",
    ),
    (
        "Keyway lacks the package",
        GATEWAY,
        "Whoever runs this gateway installs the package and restarts it.",
    ),
    (
        "This user name is that of the account with which Keyway works",
        IDP,
        "Unassign the user in your IdP. Use a service account that is no person's.",
    ),
    (
        "The app has no such account or entitlement any more",
        APP,
        "Somebody deleted it in the app. Sync, then retry.",
    ),
    ("The app cannot be reached", APP, _RETRIES),
    ("The app began an answer and did not finish it", APP, _RETRIES),
    ("The app failed on its side", APP, _RETRIES),
    ("The app asks Keyway to slow down", APP, "Wait: Keyway tries again by itself."),
    (
        "The app's certificate cannot be trusted",
        APP,
        "The app's administrator renews the certificate.",
    ),
    ("The app redirects to another address", INTEGRATION, "Enter the other address."),
    (
        "The app answered with something that is not JSON",
        INTEGRATION,
        "Check that the address is that of the app's API.",
    ),
    (
        "The app has nothing at the address",
        INTEGRATION,
        "Check the address, and that the app's API is switched on.",
    ),
    (
        "The address of the app",
        INTEGRATION,
        "Correct the address. Whoever runs this gateway can allow other networks.",
    ),
    (
        "The app answered the login and gave no session",
        INTEGRATION,
        "Check that the address and the app's version fit the catalog entry.",
    ),
    (
        "The app's answer does not hold what its manifest says",
        APP,
        "The app may be of another version. Tell whoever maintains the catalog entry.",
    ),
    ("The app's answer is larger", APP, "Tell whoever runs this gateway."),
    ("The app's list", APP, _RETRIES),
    (
        "The app gives the same entries again",
        INTEGRATION,
        "Tell whoever maintains the catalog entry of the app.",
    ),
    (
        "The account holds a value that the app's address or headers cannot carry",
        IDP,
        "Correct the user's attributes in your IdP.",
    ),
    (
        "The change holds a value that cannot be sent",
        IDP,
        "Correct the user's attributes in your IdP.",
    ),
    (
        "The app's manifest cannot be applied",
        INTEGRATION,
        "Compare the user schema with what your IdP sends, then retry.",
    ),
    (
        "Keyway cannot ",
        INTEGRATION,
        "The catalog entry of the app does not offer it. Do it in the app by hand.",
    ),
    (
        "The app refuses this change",
        APP,
        "Correct in your IdP what the app objects to, or change the app's rules.",
    ),
    ("The worker stopped in the middle", GATEWAY, "Nothing: it is taken up again."),
    (
        "Keyway failed in an unexpected way",
        GATEWAY,
        "Give the time and the request id to whoever runs this gateway.",
    ),
)
UNKNOWN_FIX = "Open the app and look at this account, then retry."
_OF_STATUS: dict[int, tuple[str, str, str]] = {
    400: (
        "The request is not as the SCIM standard or the user schema says.",
        IDP,
        "Compare the attribute mapping in your IdP with the user schema.",
    ),
    401: (
        "The token is not accepted: it is wrong, expired, replaced or revoked.",
        IDP,
        "Paste a working token into your IdP.",
    ),
    403: (
        "The token may not do this.",
        IDP,
        "Check which directory the token in your IdP is for.",
    ),
    404: (
        "What the request names is not in this directory.",
        IDP,
        "If it was deleted here, let your IdP import or assign the user again.",
    ),
    409: (
        "Another user or group of this directory has the same name.",
        IDP,
        "Rename one of the two in your IdP, or let it match the one that is there.",
    ),
    412: (
        "It was changed since your IdP read it.",
        IDP,
        "Nothing: the IdP reads it again and repeats the change.",
    ),
    413: (
        "The request is larger than this gateway accepts.",
        GATEWAY,
        "Let the IdP send fewer at once, or raise KEYWAY_SCIM_MAX_BODY_BYTES.",
    ),
    415: (
        "The request is not sent as SCIM JSON.",
        IDP,
        "Check the client that sends it.",
    ),
    429: (
        "The token sends more requests than the limit allows.",
        GATEWAY,
        "Nothing: the IdP slows down. KEYWAY_SCIM_RATE sets the limit.",
    ),
}
TOLERANCES: dict[Tolerance, str] = {
    Tolerance.SCHEMAS_MISSING: "It did not name its schemas.",
    Tolerance.UNKNOWN_SCHEMA: "It named a schema that is not known here.",
    Tolerance.MANAGER_SHAPE: "It wrote the manager in another form.",
    Tolerance.EMPTY_IS_UNSET: "An empty value was taken for no value.",
    Tolerance.SINGLE_VALUE_IN_LIST: "A single value came in a list.",
    Tolerance.PATHS_IN_VALUE: "Attribute paths stood in the value of the change.",
    Tolerance.READ_ONLY_IN_VALUE: "Read-only attributes came along and were ignored.",
    Tolerance.UNKNOWN_ATTRIBUTE: "Attributes of no schema were ignored.",
    Tolerance.REMOVE_WITHOUT_PATH: "A removal said in its value what to remove.",
    Tolerance.UNQUALIFIED_EXTENSION: "An extension attribute came without its schema.",
    Tolerance.OWN_ATTRIBUTE_ELSEWHERE: "A custom attribute came in another namespace.",
    Tolerance.OP_IN_ANY_CASE: "The operation was written with capitals.",
    Tolerance.BOOLEAN_AS_TEXT: "True or false came as text.",
    Tolerance.ROLE_SHAPE: "A role came in another form.",
    Tolerance.EMPTY_OPERATIONS: "The list of operations was empty: nothing changed.",
    Tolerance.UNKNOWN_MEMBER: "A member that is not in this directory was left out.",
}


def of_message(message: str) -> Cause | None:
    """Return the cause of a failed job or provisioning, None without a message."""
    if not message:
        return None
    for start, side, fix in _OF_MESSAGES:
        if message.startswith(start):
            return Cause(message, side, fix)
    return Cause(message, APP, UNKNOWN_FIX)


def of_status(status: int) -> Cause | None:
    """Return the cause of a SCIM answer, None if it is no failure."""
    if status < HTTPStatus.BAD_REQUEST:
        return None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Cause(
            "This gateway failed to answer.",
            GATEWAY,
            "The IdP repeats the request. If it lasts, give the request id to whoever "
            "runs this gateway.",
        )
    return Cause(*_OF_STATUS.get(status, _OF_STATUS[400]))


def tolerance_words(name: str) -> str:
    """Return what a tolerance of a record means, its name if it is of the past."""
    try:
        return TOLERANCES[Tolerance(name)]
    except ValueError:
        return name
