"""How each IdP is set up: its steps and its own names for the values to paste.

Labels are those of the IdPs' admin consoles. A value that holds `{…}` is filled
with what the integration has; see `Place`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from scim.protocol.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the IdP: what to paste, or what to choose where it is no text."""

    label: str
    value: str = ""
    choice: str = ""
    """What to choose or tick, told and not copied."""

    is_token: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do in the IdP."""

    title: str
    text: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Idp:
    """One identity provider."""

    slug: str
    name: str
    dialect: Dialect
    url_label: str
    token_label: str
    steps: tuple[Step, ...]
    test: str
    """The button that makes the first call."""

    attributes_text: str
    attribute_paths: Mapping[str, str] = field(default_factory=dict)
    full_names: bool = False
    """Whether attributes of an extension are named with its namespace."""

    name_label: str = "External name"
    namespace_label: str = "External namespace"


URL: Final = "{gateway_url}"
OAUTH_URL: Final = "{token_endpoint}"
APP_URL: Final = "{app_url}"

OKTA: Final = Idp(
    slug="okta",
    name="Okta",
    dialect=Dialect.OKTA,
    url_label="SCIM connector base URL",
    token_label="Authorization",  # noqa: S106  the name of a field
    test="Test Connector Configuration",
    steps=(
        Step(
            "Add the app",
            "Applications, Create App Integration, SWA - Secure Web Authentication. "
            "On the General tab, App Settings, set Provisioning to SCIM.",
            (
                Field("App name", "{name}"),
                Field(
                    "App's login page URL",
                    APP_URL,
                    note="Also called Bookmark URL: where people sign in to the app.",
                ),
            ),
        ),
        Step(
            "Connect the gateway",
            "On the Provisioning tab, Integration, press Edit.",
            (
                Field(
                    "SCIM connector base URL",
                    URL,
                    note="Called Base URL in an app from Okta's catalog.",
                ),
                Field("Unique identifier field for users", "userName"),
                Field(
                    "Supported provisioning actions",
                    choice="Import New Users and Profile Updates, Push New Users, "
                    "Push Profile Updates, Push Groups, Import Groups",
                ),
                Field("Authentication Mode", choice="HTTP Header"),
                Field(
                    "Authorization",
                    is_token=True,
                    note="Called API Token in an app from Okta's catalog.",
                ),
            ),
        ),
        Step(
            "Test, then save",
            "Press Test Connector Configuration (Test API Credentials in an app "
            "from the catalog). The line at the top of this page tells whether the "
            "call arrived.",
        ),
        Step(
            "Let Okta provision",
            "On the Provisioning tab, To App, press Edit.",
            (
                Field(
                    "Enable",
                    choice="Create Users, Update User Attributes, Deactivate Users",
                ),
            ),
        ),
        Step(
            "Import, then assign",
            "Sync here first. On the Import tab press Import Now, review the "
            "matches, confirm them. Then assign people, and push groups.",
        ),
    ),
    attributes_text=(
        "Okta knows the standard attributes. Add the others in the Profile Editor of "
        "the app with Add Attribute, then map them. Where Okta keeps the namespace "
        "of the enterprise user, leave it: the gateway finds the attribute there too."
    ),
    attribute_paths={
        "emails.value": "emails.^[primary==true].value",
        "roles.value": "roles.^[primary==true].value",
        "entitlements.value": "entitlements.^[primary==true].value",
    },
)

ENTRA: Final = Idp(
    slug="entra",
    name="Microsoft Entra ID",
    dialect=Dialect.ENTRA,
    url_label="Tenant URL",
    token_label="Secret Token",  # noqa: S106  the name of a field
    test="Test Connection",
    steps=(
        Step(
            "Add the application",
            "Enterprise applications, New application, Create your own application, "
            "Integrate any other application you don't find in the gallery.",
            (Field("What's the name of your app?", "{name}"),),
        ),
        Step(
            "Connect the gateway",
            "Open Provisioning, Get started.",
            (
                Field("Provisioning Mode", choice="Automatic"),
                Field("Tenant URL", URL),
                Field(
                    "Secret Token",
                    is_token=True,
                    note="Left empty, Entra signs its own tokens: trust them under "
                    "Connected services, OAuth clients.",
                ),
            ),
        ),
        Step(
            "Or connect by OAuth",
            "Where Entra offers OAuth 2.0 client credentials, add an OAuth client under "
            "Connected services. Its dialog has client ID and client secret. Your token "
            "goes on working until you revoke it.",
            (
                Field("Authentication method", choice="OAuth 2.0 client credentials"),
                Field("Token endpoint", OAUTH_URL),
                Field(
                    "Client identifier and client secret",
                    choice="From Connected services, Add OAuth client",
                ),
            ),
        ),
        Step(
            "Test, then save",
            "Press Test Connection. Entra looks for a user who cannot exist and "
            "expects an empty list. The line at the top of this page tells whether "
            "the call arrived.",
        ),
        Step(
            "Check the mappings",
            "Under Mappings, Provision Microsoft Entra ID Users, keep userName as "
            "the matching attribute.",
            (
                Field("userPrincipalName", "userName"),
                Field("Target Object Actions", choice="Create, Update, Delete"),
            ),
        ),
        Step(
            "Start",
            "Assign people and groups under Users and groups. Press Start "
            "provisioning, or Provision on demand for one person. Entra works in "
            "cycles of about 40 minutes.",
        ),
    ),
    attributes_text=(
        "Add the attributes of the app under Mappings, Provision Microsoft Entra ID "
        "Users, Show advanced options, Edit attribute list, then map them."
    ),
    attribute_paths={
        "emails.value": 'emails[type eq "work"].value',
        "roles.value": 'roles[primary eq "True"].value',
        "entitlements.value": 'entitlements[primary eq "True"].value',
    },
    full_names=True,
    name_label="Name",
    namespace_label="Namespace",
)

GOOGLE: Final = Idp(
    slug="google",
    name="Google Workspace",
    dialect=Dialect.GOOGLE,
    url_label="Endpoint URL",
    token_label="Access token",  # noqa: S106  the name of a field
    test="Authorize",
    steps=(
        Step(
            "Open autoprovisioning",
            "Apps, Web and mobile apps, choose the app, Autoprovisioning, Configure "
            "autoprovisioning. Google offers it for apps that it lists with SCIM.",
        ),
        Step(
            "Connect the gateway",
            "",
            (Field("Access token", is_token=True), Field("Endpoint URL", URL)),
        ),
        Step(
            "Map the attributes",
            "Choose for each Google Directory attribute the name from the tables "
            "below.",
            (
                Field("Username", "userName"),
                Field("First name", "name.givenName"),
                Field("Last name", "name.familyName"),
            ),
        ),
        Step(
            "Choose what happens to people who leave",
            "Under Deprovisioning, suspend after 24 hours or later: Google counts "
            "from the moment the app is turned off for a person.",
        ),
        Step(
            "Start",
            "Turn the app on for a group or an organizational unit, then turn "
            "Autoprovisioning to Active. The line at the top of this page tells "
            "whether the first call arrived; it can take some hours.",
        ),
    ),
    attributes_text=(
        "Google offers a fixed list of attributes for each app. What is not in it "
        "stays as the app has it."
    ),
    attribute_paths={"emails.value": 'emails[type eq "work"].value'},
    name_label="App attribute",
    namespace_label="Schema",
)

OTHER: Final = Idp(
    slug="other",
    name="Other",
    dialect=Dialect.GENERIC,
    url_label="SCIM base URL",
    token_label="Bearer token",  # noqa: S106  the name of a field
    test="the test of your IdP",
    steps=(
        Step(
            "Connect the gateway",
            "Any SCIM 2.0 client can call. Names differ; these are the values.",
            (
                Field("SCIM base URL", URL, note="Also: tenant URL, endpoint."),
                Field("SCIM version", "2.0"),
                Field("Authentication", choice="Bearer token in the HTTP header"),
                Field(
                    "Authorization header",
                    is_token=True,
                    note="Put the word Bearer and a blank before the token if your "
                    "IdP does not.",
                ),
                Field("Unique identifier", "userName"),
                Field("Media type", "application/scim+json"),
            ),
        ),
        Step(
            "Endpoints, if your IdP asks for them",
            "",
            (
                Field("Users", f"{URL}/Users"),
                Field("Groups", f"{URL}/Groups"),
                Field("Schemas", f"{URL}/Schemas"),
                Field("Service provider configuration", f"{URL}/ServiceProviderConfig"),
                Field(
                    "OAuth token endpoint",
                    OAUTH_URL,
                    note="For an OAuth client: grant type client_credentials.",
                ),
            ),
        ),
        Step(
            "Test",
            "Run the test of your IdP, or the call below. The line at the top of "
            "this page tells whether it arrived.",
        ),
    ),
    attributes_text="Map the attributes of your IdP to these names.",
    attribute_paths={"emails.value": "emails[primary eq true].value"},
    name_label="Attribute",
    namespace_label="Schema",
)

IDPS: Final = {idp.slug: idp for idp in (OKTA, ENTRA, GOOGLE, OTHER)}
