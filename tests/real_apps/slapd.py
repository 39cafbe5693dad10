"""A real OpenLDAP, with a directory of its own and nobody in it but two services."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real_apps.debian import installed
from tests.real_apps.fixtures import OutsideApp
from tests.real_apps.servers import free_port, running
from tests.tls import NAME, certificate

BASE = "dc=example,dc=com"
READER = f"cn=reader,ou=services,{BASE}"
READER_PASSWORD = "pass-of-reader-1"
MOST_FOR_READER = 2

_SERVICE = f"cn=keyway,ou=services,{BASE}"
_PASSWORD = "pass-of-slapd-1"

# As docs/howto/connect-an-app.md gives them, and `inactive` besides.
_RIGHTS = f"""
access to dn.subtree="ou=people,{BASE}" attrs=userPassword
  by dn.exact="{_SERVICE}" write by anonymous auth by self write by * none
access to dn.subtree="ou=people,{BASE}"
  by dn.exact="{_SERVICE}" write by * break
access to dn.subtree="ou=inactive,{BASE}"
  by dn.exact="{_SERVICE}" write by * break
access to dn.subtree="ou=groups,{BASE}"
  by dn.exact="{_SERVICE}" write by * break
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{_SERVICE}" read by dn.exact="{READER}" read by * none
""".strip()

_CONFIGURATION = f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
TLSCertificateFile {{folder}}/certificate.pem
TLSCertificateKeyFile {{folder}}/certificate.pem
password-hash {{{{SSHA}}}}
database mdb
suffix "{BASE}"
directory {{folder}}/data
maxsize 67108864
dbnosync
index objectClass,uid,mail,cn,entryUUID,member eq
limits dn.exact="{READER}" size={MOST_FOR_READER}
limits dn.exact="{_SERVICE}" size=unlimited
{{rights}}
overlay memberof
overlay refint
refint_attributes memberof member
refint_nothing "cn=nobody,{BASE}"
overlay ppolicy
ppolicy_default "cn=default,ou=policies,{BASE}"
"""

_ENTRIES = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=inactive,{BASE}
objectClass: organizationalUnit
ou: inactive

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups

dn: ou=services,{BASE}
objectClass: organizationalUnit
ou: services

dn: ou=policies,{BASE}
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,{BASE}
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 50

dn: {_SERVICE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: keyway
userPassword: {_PASSWORD}

dn: {READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: {READER_PASSWORD}

dn: cn=engineers,ou=groups,{BASE}
objectClass: groupOfNames
cn: engineers
member: cn=nobody,{BASE}

dn: cn=writers,ou=groups,{BASE}
objectClass: groupOfNames
cn: writers
member: cn=nobody,{BASE}

dn: cn=unique,ou=groups,{BASE}
objectClass: groupOfUniqueNames
cn: unique
uniqueMember: cn=nobody,{BASE}

dn: cn=shell,ou=groups,{BASE}
objectClass: posixGroup
cn: shell
gidNumber: 7000
"""


@dataclass(frozen=True, slots=True)
class Slapd(OutsideApp):
    """Where it runs, and whom its certificate names."""

    tls_url: str = ""
    certificate: Path = Path()


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """OpenLDAP with password policies, memberOf and referential integrity."""
    program = installed("slapd", package="slapd")
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    configuration, entries = folder / "slapd.conf", folder / "entries.ldif"
    configuration.write_text(_CONFIGURATION.format(folder=folder, rights=_RIGHTS))
    entries.write_text(_ENTRIES)
    trusted = certificate(folder)
    subprocess.run(
        [program.with_name("slapadd"), "-f", configuration, "-l", entries],
        check=True,
        capture_output=True,
        timeout=60,
    )
    port, tls_port = free_port(), free_port()
    app = Slapd(
        f"ldap://127.0.0.1:{port}",
        _SERVICE,
        _PASSWORD,
        tls_url=f"ldaps://{NAME}:{tls_port}",
        certificate=trusted,
    )
    urls = f"{app.base_url} ldaps://127.0.0.1:{tls_port}"
    with running(
        [str(program), "-f", str(configuration), "-h", urls, "-d", "0"],
        ready_url=app.base_url,
        env={},
        log=folder / "server.log",
    ):
        yield app
