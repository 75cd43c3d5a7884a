"""What those say who vouch for people, and what people type: nonsense lets nobody in and ends nothing."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

from inspection.station.sign_in import LdapSettings, OidcSettings
from tests.attack.mutate import mutated
from ui.security import badges as badges_module
from ui.security.ldap_directory import Directory
from ui.security.oidc import Attempt, Provider
from ui.security.users import Role, Users, UsersError

pytestmark = pytest.mark.slow
INPUTS = 2_000
"""Of each door; each is a connection or a hash."""
KEY = RSAKey.generate_key(2048, {"kid": "one"})
ATTEMPT = Attempt(state="state", nonce="nonce", verifier="v" * 43)
BACK = "http://127.0.0.1/oidc/callback"


class Mad:
    """A server that gives one answer a connection, or one a question, and hangs up."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._listening.getsockname()[1]
        self._listening.settimeout(0.2)
        self._over = threading.Event()
        self.answer: Any = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            with suppress(OSError):
                line, _ = self._listening.accept()
                with line:
                    line.settimeout(1.0)
                    self.answer(line)

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        self._listening.close()


@pytest.fixture
def mad() -> Iterator[Mad]:
    made = Mad()
    yield made
    made.close()


def _http(body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def test_openid_connect(mad: Mad, tmp_path: Path, figures: Any, caplog: Any) -> None:
    issuer = f"http://127.0.0.1:{mad.port}"
    (tmp_path / "secret").write_text("a secret")
    settings = OidcSettings(
        issuer=issuer, client_id="us", client_secret_file=tmp_path / "secret", roles={"engineer": ("qa",)}
    )  # fmt: skip
    about = {"issuer": issuer} | {
        name: f"{issuer}/{path}"
        for name, path in (("authorization_endpoint", "a"), ("token_endpoint", "t"), ("jwks_uri", "k"))
    }  # fmt: skip
    claims = {
        "iss": issuer, "aud": "us", "exp": int(time.time()) + 3600, "nonce": "nonce", "sub": "s-1",
        "preferred_username": "kim", "groups": ["qa"],
    }  # fmt: skip

    def token(payload: bytes) -> bytes:
        signed = jws.serialize_compact({"alg": "RS256", "kid": "one"}, payload, KEY)
        return json.dumps(
            {"access_token": "x", "token_type": "Bearer", "id_token": signed}
        ).encode()

    good = {
        "/.well-known/openid-configuration": json.dumps(about).encode(),
        "/t": token(json.dumps(claims).encode()),
        "/k": json.dumps(KeySet([KEY]).as_dict(private=False)).encode(),
    }
    said: dict[str, bytes] = {}

    def answer(line: socket.socket) -> None:
        path = re.split(rb"[ ?]", line.recv(65536))[1].decode()
        line.sendall(said.get(path) or _http(good[path]))

    mad.answer = answer
    inputs = [
        (path, data)
        for seed, path in enumerate(good)
        for data in mutated([_http(good[path]), good[path]], INPUTS // 4, seed=40 + seed)
    ]
    payloads = mutated([json.dumps(claims).encode()], INPUTS // 4, seed=50)
    come_in = refused = 0

    async def ask(provider: Provider) -> None:
        nonlocal come_in, refused
        try:
            url = await provider.begin(ATTEMPT, BACK)
            assert url.startswith(("http://127.0.0.1", "https://", "http://localhost"))
            person = await provider.finish(ATTEMPT, {"state": "state", "code": "c"}, BACK)
        except UsersError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        else:
            assert person.role is Role.ENGINEER
            assert person.name
            assert len(person.subject) <= 1000
            come_in += 1

    async def all_of_them() -> None:
        provider = Provider(settings)
        await ask(provider)
        assert come_in == 1
        for number, (path, data) in enumerate(inputs):
            if path.startswith("/.well"):
                provider._known = None
            said.clear()
            said[path] = data if data.startswith(b"HTTP") and number % 2 else _http(data)
            await ask(provider)
        for payload in payloads:
            said.clear()
            said["/t"] = _http(token(payload))
            await ask(provider)
        # What an answer may weigh, and that it is not unpacked.
        for much in (b" " * (2 << 20), b"[" * 100_000):
            said.clear()
            said["/t"] = _http(much)
            await ask(provider)

    asyncio.run(all_of_them())
    assert all(len(each.getMessage().splitlines()) == 1 for each in caplog.records)
    figures(f"openid connect: {refused} malformed answers refused in one line, {come_in} harmless")


def _ber(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return bytes([tag]) + size + body


def _ldap(number: int, tag: int, *parts: bytes) -> bytes:
    return _ber(0x30, _ber(0x02, bytes([number])), _ber(tag, *parts))


OK = (b"\x0a\x01\x00", b"\x04\x00", b"\x04\x00")


def _entry(number: int, dn: bytes, **values: bytes) -> bytes:
    rows = [
        _ber(0x30, _ber(0x04, key.encode()), _ber(0x31, _ber(0x04, value))) for key, value in values.items()
    ]  # fmt: skip
    return _ldap(number, 0x64, _ber(0x04, dn), _ber(0x30, *rows))


def test_a_directory_that_answers_nonsense(
    mad: Mad, figures: Any, caplog: pytest.LogCaptureFixture
) -> None:
    if find_spec("ldap") is None:
        pytest.skip("NOT TESTED: pip install 'inspection[ldap]'")
    directory = Directory(
        LdapSettings(
            url=f"ldap://127.0.0.1:{mad.port}", user_dn="uid={name},dc=plant", base="dc=plant",
            roles={"engineer": ("qa",)},
        )
    )  # fmt: skip
    bound = _ldap(1, 0x61, *OK)
    found = _entry(2, b"uid=kim,dc=plant", uid=b"kim") + _ldap(2, 0x65, *OK)
    groups = _entry(3, b"cn=qa,dc=plant", cn=b"qa") + _ldap(3, 0x65, *OK)
    good = [bound, found, groups]
    said: list[bytes] = []

    def answer(line: socket.socket) -> None:
        for each in said:
            if not line.recv(65536):
                return
            line.sendall(each)

    mad.answer, said[:] = answer, good
    person = directory.person("kim", "a password")
    assert person is not None
    assert (person.name, person.role) == ("kim", Role.ENGINEER)
    come_in = refused = 0
    names = mutated([b"kim", "김 Kim".encode()], INPUTS, seed=60)
    for number, data in enumerate(mutated(good, INPUTS, seed=61)):
        place = number % 3
        said[:] = [*good[:place], data]
        name = next(names).decode("utf-8", "surrogateescape") if number % 4 == 0 else "kim"
        try:
            person = directory.person(name, "a password")
        except UsersError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        else:
            come_in += person is not None
            assert person is None or person.role is Role.ENGINEER
    assert refused > INPUTS // 2
    assert all(len(each.getMessage().splitlines()) == 1 for each in caplog.records)
    figures(f"ldap: {INPUTS} malformed answers, {refused} refused in one line, {come_in} harmless")


def test_passwords_and_badges(
    tmp_path: Path, figures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TIME_COST", 1), ("MEMORY_KIB", 8)):
        monkeypatch.setattr(
            badges_module, name, value
        )  # ten thousand at full price are ten minutes
    users = Users(tmp_path / "users.json", hasher=PasswordHasher(1, 8, 1))
    users.add("ada", "a long password", Role.ADMINISTRATOR)
    users.badges.set("ada", "B-4711-x9")
    kept = {file: (tmp_path / file).read_bytes() for file in ("users.json", "badges.json")}
    addresses = (f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in count())
    let_in = 0
    for data in mutated([b"B-4711-x9", b"a long password", "배지-4711".encode()], INPUTS, seed=70):
        text = data.decode("utf-8", "surrogateescape")
        who = users.badges.who(text, address=next(addresses))
        assert (who is not None) == (
            badges_module._plain(text)[: badges_module.LONGEST] == "B-4711-x9"
        )
        user = None
        with suppress(UsersError):
            user = users.check(text[:40], text, address=next(addresses))
        assert user is None
        let_in += who is not None
        with suppress(UsersError):
            users.badges.set(text, text)
        with suppress(UsersError):
            users.add(text, text, Role.OPERATOR)
            users.remove(text)
    assert users.badges.who("B-4711-x9", address="10.255.0.1") is not None
    assert users.check("ada", "a long password", address="10.255.0.2") is not None
    assert [user.name for user in users.list()] == ["ada"]
    for file, content in kept.items():
        for data in mutated([content], INPUTS // 4, seed=71):
            (tmp_path / file).write_bytes(data)
            read = Users(tmp_path / "users.json", hasher=PasswordHasher(1, 8, 1))
            with suppress(UsersError):
                read.list()
            with suppress(UsersError):
                read.badges.who("B-4711-x9", address="10.255.0.1")
        (tmp_path / file).write_bytes(content)
    figures(f"passwords and badges: {2 * INPUTS} malformed ones, {let_in} the true one in other letters; "
            f"{INPUTS // 2} damaged files")  # fmt: skip
