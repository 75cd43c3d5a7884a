"""Signing in by LDAP, against Debian's slapd over TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import trustme
from argon2 import PasswordHasher
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from inspection.errors import SetupError
from inspection.station.sign_in import LdapSettings, role_of
from inspection.station.station_file import read_station
from tests.ui.conftest import free_port, wait_for
from ui.security.first_code import FirstCode
from ui.security.gate import AccessMiddleware
from ui.security.ldap_directory import Directory, DirectoryError
from ui.security.login import routes
from ui.security.person import Person
from ui.security.sessions import Sessions
from ui.security.users import Role, Users, UsersError
from ui.words import Words

SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
needs_slapd = pytest.mark.skipif(
    not Path(SLAPD).exists() or find_spec("ldap") is None,
    reason="NOT TESTED against a directory: needs slapd (apt-get install slapd) and "
    "pip install 'inspection[ldap]'",
)
PASSWORD, SECRET = "correct horse battery", "the directory's own"
BASE = "dc=plant,dc=example"
HERE = "http://station.plant:7860"
PEOPLE = f"""
dn: {BASE}
objectClass: domain
dc: plant

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups

dn: uid=kim,ou=people,{BASE}
objectClass: inetOrgPerson
uid: kim
cn: Kim Cheolsu
sn: Kim
userPassword: {PASSWORD}

dn: uid=lee,ou=people,{BASE}
objectClass: inetOrgPerson
uid: lee
cn: Lee
sn: Lee
userPassword: {PASSWORD}

dn: cn=quality,ou=groups,{BASE}
objectClass: groupOfNames
cn: quality
member: uid=kim,ou=people,{BASE}
"""
ROLES: dict[Any, tuple[str, ...]] = {"engineer": ("Quality",), "administrator": ("it",)}


@dataclass(frozen=True)
class Slapd:
    """A directory at work; `settings` lead to it."""

    settings: LdapSettings
    plain: LdapSettings
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    ca = trustme.CA()
    issued = ca.issue_cert("127.0.0.1", "localhost")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    schemas = "".join(
        f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson")
    )
    (folder / "slapd.conf").write_text(
        f"""{schemas}
pidfile {folder}/pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
suffix "{BASE}"
rootdn "cn=admin,{BASE}"
rootpw "{SECRET}"
directory {folder}/data
access to attrs=userPassword by anonymous auth
access to * by users read
""",
        "utf-8",
    )
    (folder / "people.ldif").write_text(PEOPLE, "utf-8")
    conf = str(folder / "slapd.conf")
    add = [str(Path(SLAPD).with_name("slapadd")), "-f", conf, "-l", str(folder / "people.ldif")]
    subprocess.run(add, check=True, capture_output=True)
    plain, safe = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{plain} ldaps://127.0.0.1:{safe}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([SLAPD, "-f", conf, "-h", urls, "-d", "0"], stderr=log)
    wait_for(lambda: listens(safe) and listens(plain), 20, folder / "log", process)
    settings = LdapSettings(
        url=f"ldaps://127.0.0.1:{safe}",
        user_dn=f"uid={{name}},ou=people,{BASE}",
        base=BASE,
        roles=ROLES,
        ca_file=folder / "ca.pem",
    )
    yield Slapd(
        settings, replace(settings, url=f"ldap://127.0.0.1:{plain}", start_tls=True), process
    )
    process.terminate()
    process.wait(20)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


KIM = Person(name="kim", role=Role.ENGINEER, subject=f"uid=kim,ou=people,{BASE}")


@needs_slapd
def test_a_name_and_a_password_that_fit(slapd: Slapd) -> None:
    for settings in (slapd.settings, slapd.plain):
        assert Directory(settings).person("kim", PASSWORD) == KIM
    assert Directory(slapd.settings).person("KIM", PASSWORD) == KIM


@needs_slapd
@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("kim", "another"),
        ("kim", ""),
        ("", PASSWORD),
        ("nobody", PASSWORD),
        ("*", PASSWORD),
        ("kim,ou=people", PASSWORD),
        ("kim)(uid=*", PASSWORD),
        ("kim\0", PASSWORD),
        ("kim", f"{PASSWORD}\0x"),
        ("k" * 5000, PASSWORD),
    ],
)
def test_what_does_not_fit_is_nobody(slapd: Slapd, name: str, password: str) -> None:
    assert Directory(slapd.settings).person(name, password) is None


@needs_slapd
def test_who_has_no_group_here_does_not_come_in(slapd: Slapd) -> None:
    with pytest.raises(UsersError) as refused:
        Directory(slapd.settings).person("lee", PASSWORD)
    assert refused.value.reason == "oidc_no_role"


@needs_slapd
def test_a_group_may_be_named_by_its_dn(slapd: Slapd) -> None:
    roles: Any = {"administrator": (f"CN=quality,ou=groups,{BASE}",)}
    person = Directory(replace(slapd.settings, roles=roles)).person("kim", PASSWORD)
    assert person is not None and person.role is Role.ADMINISTRATOR


@needs_slapd
def test_a_certificate_of_somebody_else_is_not_trusted(slapd: Slapd, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    for settings in (slapd.settings, slapd.plain):
        with pytest.raises(DirectoryError):
            Directory(replace(settings, ca_file=tmp_path / "other.pem")).person("kim", PASSWORD)


@needs_slapd
def test_a_directory_that_is_gone_is_told(slapd: Slapd) -> None:
    gone = replace(slapd.settings, url=f"ldaps://127.0.0.1:{free_port()}")
    with pytest.raises(DirectoryError, match="^sign-in by LDAP: ldaps://127.0.0.1"):
        Directory(gone).person("kim", PASSWORD)


class Station:
    """A page that tries passwords at the directory, too."""

    def __init__(self, folder: Path, settings: LdapSettings) -> None:
        self.users = Users(folder / "users.json", hasher=PasswordHasher(1, 8, 1))
        self.users.add_first("ada", PASSWORD)
        self.record: list[tuple[str, str]] = []
        sessions = Sessions(folder / "secret", self.users)
        app, code = FastAPI(), FirstCode(lambda code: None)
        desk = routes(
            self.users, sessions, Words(), self.audit, code, directory=Directory(settings)
        )
        app.include_router(desk)

        @app.get("/{path:path}")
        async def page(request: Request) -> dict[str, str]:
            return {"user": request.scope["user"].name, "role": request.scope["user"].role}

        self.gate = AccessMiddleware(
            app, users=self.users, sessions=sessions, loopback_only=False, hosts=["station.plant"]
        )

    async def audit(self, kind: str, who: str, detail: dict[str, Any]) -> None:
        self.record.append((kind, who))

    def sign_in(self, name: str, password: str = PASSWORD) -> tuple[int, TestClient]:
        browser = TestClient(self.gate, HERE, client=("10.0.0.9", 5000), follow_redirects=False)
        form = {"name": name, "password": password}
        return browser.post("/login", data=form, headers={"Origin": HERE}).status_code, browser


@needs_slapd
def test_in_at_the_usual_form(slapd: Slapd, tmp_path: Path) -> None:
    station = Station(tmp_path, slapd.settings)
    status, browser = station.sign_in("Kim")
    assert (status, browser.get("/").json()) == (303, {"user": "kim", "role": "engineer"})
    assert station.sign_in("kim", "another")[0] == 401
    assert station.sign_in("lee")[0] == 400
    assert station.sign_in("ada")[0] == 303
    assert station.record == [
        ("sign-in", "kim"), ("sign-in failed", "kim"), ("sign-in", "ada"),
    ]  # fmt: skip


@needs_slapd
def test_guessing_is_slowed(slapd: Slapd, tmp_path: Path) -> None:
    station = Station(tmp_path, slapd.settings)
    for _ in range(5):
        assert station.sign_in("kim", "another")[0] == 401
    assert station.sign_in("kim")[0] == 429


@needs_slapd
def test_users_with_a_password_here_come_in_while_the_directory_is_gone(
    slapd: Slapd, tmp_path: Path
) -> None:
    gone = replace(slapd.settings, url=f"ldaps://127.0.0.1:{free_port()}")
    station = Station(tmp_path, gone)
    assert station.sign_in("kim")[0] == 503
    assert station.sign_in("ada")[0] == 303


@needs_slapd
def test_a_user_with_a_password_here_is_not_asked_for_there(slapd: Slapd, tmp_path: Path) -> None:
    station = Station(tmp_path, slapd.settings)
    station.users.add("kim", "another long password", Role.OPERATOR)
    assert station.sign_in("kim")[0] == 401
    assert station.sign_in("kim", "another long password")[0] == 303


STATION = """
station = "line-1"
record = "parts.db"
[[views]]
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
[sign_in.ldap]
url = "{url}"
user_dn = "{dn}"
base = "dc=plant"
[sign_in.ldap.roles]
engineer = ["quality"]
"""


@pytest.mark.parametrize(
    ("url", "dn", "problem"),
    [
        ("ldap://dc.plant.example", "uid={name},dc=plant", "url: must be ldaps://"),
        ("http://dc.plant.example", "uid={name},dc=plant", "url: must be ldaps://"),
        ("ldaps://", "uid={name},dc=plant", "url: must be ldaps://"),
        ("ldaps://dc.plant.example", "uid=kim,dc=plant", "user_dn: must have {name} in it"),
    ],
)
def test_what_would_not_be_safe_is_refused(tmp_path: Path, url: str, dn: str, problem: str) -> None:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(url=url, dn=dn))
    with pytest.raises(SetupError) as refused:
        read_station(path)
    assert problem in str(refused.value)


def test_the_highest_role_of_several_groups_counts() -> None:
    roles: Any = {"operator": ("line",), "engineer": ("qa",), "administrator": ("it",)}
    assert role_of(["IT", "line"], roles) == "administrator"
    assert role_of(["line", "qa"], roles) == "engineer"
    assert role_of([], roles) is None
