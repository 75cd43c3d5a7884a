"""users.json and the cookies: nothing leaks, nothing is guessed, nothing outlives its password."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from argon2 import PasswordHasher

from ui.security.sessions import HOUR_S, Sessions, SessionsError, cookie_values
from ui.security.throttle import MOST_KEYS, LoginThrottle
from ui.security.users import Role, TooSoon, User, Users, UsersError

PASSWORD, OTHER = "correct horse 1", "battery staple 2"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(tmp_path: Path, clock: Clock) -> Users:
    """Ada administers, Eve engineers, Omar operates."""
    made = Users(tmp_path / "page" / "users.json", hasher=CHEAP, clock=clock)
    made.add_first("Ada", PASSWORD)
    made.add("Eve", PASSWORD, Role.ENGINEER)
    made.add("Omar", PASSWORD, Role.OPERATOR)
    return made


@pytest.fixture
def sessions(users: Users, clock: Clock) -> Sessions:
    return Sessions(users.path.with_name("secret"), users, clock=clock)


def refused(work: Callable[[], object]) -> UsersError:
    with pytest.raises(UsersError) as caught:
        work()
    text = str(caught.value)
    assert "\n" not in text
    assert PASSWORD not in text
    assert OTHER not in text
    return caught.value


class TestUsers:
    def test_a_role_may_do_what_those_before_it_may(self) -> None:
        table = [[role.at_least(needed) for needed in Role] for role in Role]
        assert table == [[True, False, False], [True, True, False], [True, True, True]]

    def test_they_are_kept(self, users: Users) -> None:
        again = Users(users.path, hasher=CHEAP)
        assert again.list() == (
            User("Ada", Role.ADMINISTRATOR),
            User("Eve", Role.ENGINEER),
            User("Omar", Role.OPERATOR),
        )
        assert again.check("ada", PASSWORD) == User("Ada", Role.ADMINISTRATOR)
        assert again.check("Ada", OTHER) is None
        assert again.check("Nobody", PASSWORD) is None

    def test_a_password_typed_in_full_width_is_the_same(self, users: Users) -> None:
        assert users.check("Ａｄａ", "ｃｏｒｒｅｃｔ　ｈｏｒｓｅ　１") is not None

    def test_names_of_any_script(self, users: Users) -> None:
        for name in ("山田 太郎", "김철수", "o'neil", "a.b+c@d-e.f"):
            assert users.add(f" {name} ", PASSWORD, Role.OPERATOR).name == name

    @pytest.mark.parametrize(
        "name", ["", " ", "a\nb", "a\x00b", "<b>", "../x", "a" * 65, "a;b", "\ud800", ".a", "a,"]
    )
    def test_a_bad_name(self, users: Users, name: str) -> None:
        assert refused(lambda: users.add(name, PASSWORD, Role.OPERATOR)).reason == "bad_name"

    @pytest.mark.parametrize(
        ("password", "reason"),
        [
            ("", "password_length"),
            ("123456789", "password_length"),
            ("x" * 257, "password_length"),
            ("KIM-cheolsu", "password_is_name"),
            ("not kim-Cheolsu again", "password_is_name"),
            ("1234567890", "password_common"),
            ("passwordpassword", "password_common"),
            ("Passw0rd2026", "password_common"),
            ("qwertyuiop12", "password_common"),
            ("aaaaaaaaaaaaaaaa", "password_common"),
        ],
    )
    def test_a_bad_password(self, users: Users, password: str, reason: str) -> None:
        error = refused(lambda: users.add("kim-cheolsu", password, Role.OPERATOR))
        assert error.reason == reason
        assert not password or password not in str(error)
        assert users.find("kim-cheolsu") is None

    def test_a_name_is_taken_in_any_case(self, users: Users) -> None:
        error = refused(lambda: users.add("ADA", PASSWORD, Role.OPERATOR))
        assert str(error) == "user 'ADA': there is one of this name already; take another name"

    def test_whoever_works_without_signing_in_has_no_rights(self, users: Users) -> None:
        users.add("Operator", PASSWORD, Role.OPERATOR)
        refusal = refused(lambda: users.set_role("operator", Role.ADMINISTRATOR))
        assert refusal.reason == "anybody"
        users.remove("operator")
        assert refused(lambda: users.add("operator", PASSWORD, Role.ENGINEER)).reason == "anybody"

    def test_the_last_administrator_stays(self, users: Users) -> None:
        text = "users: no administrator would be left; make another one an administrator first"
        assert str(refused(lambda: users.remove("Ada"))) == text
        assert str(refused(lambda: users.set_role("Ada", Role.ENGINEER))) == text
        users.set_role("Eve", Role.ADMINISTRATOR)
        users.remove("Ada")
        assert [user.name for user in users.list()] == ["Eve", "Omar"]

    def test_the_first_is_an_administrator_and_the_only_first(
        self, tmp_path: Path, users: Users
    ) -> None:
        empty = Users(tmp_path / "new.json", hasher=CHEAP)
        assert empty.list() == ()
        refusal = refused(lambda: empty.add("Omar", PASSWORD, Role.OPERATOR))
        assert refusal.reason == "last_administrator"
        assert not empty.path.exists()
        assert refused(lambda: users.add_first("Mallory", PASSWORD)).reason == "not_first"

    def test_an_unknown_user(self, users: Users) -> None:
        error = refused(lambda: users.set_password("Bob", PASSWORD))
        assert str(error) == "user 'Bob': no such user; there are: Ada, Eve, Omar"

    def test_another_process_changes_them(self, users: Users) -> None:
        other = Users(users.path, hasher=CHEAP)
        other.set_password("Eve", OTHER)
        assert users.check("Eve", PASSWORD) is None
        assert users.check("Eve", OTHER) is not None

    def test_many_add_at_once(self, users: Users) -> None:
        several = [Users(users.path, hasher=CHEAP) for _ in range(4)]
        threads = [
            Thread(target=each.add, args=(f"user {n} {k}", PASSWORD, Role.OPERATOR))
            for n, each in enumerate(several)
            for k in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(users.list()) == 3 + 12

    def test_the_disk_is_full(self, users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        error = refused(lambda: users.set_password("Eve", OTHER))
        assert str(error).endswith("(No space left on device); free or repair the disk")
        monkeypatch.undo()
        assert users.check("Eve", PASSWORD) is not None
        assert {path.name for path in users.path.parent.iterdir()} <= {
            "users.json",
            "users.json.lock",
        }


class TestFile:
    def test_its_mode_and_content(self, users: Users) -> None:
        assert stat.S_IMODE(users.path.stat().st_mode) == 0o600
        text = users.path.read_text("utf-8")
        assert PASSWORD not in text
        data = json.loads(text)
        assert data["format"] == 1
        assert set(data["users"][0]) == {"name", "role", "hash", "stamp"}
        assert all(user["hash"].startswith("$argon2id$v=19$m=8,t=1,p=1$") for user in data["users"])
        assert len({user["hash"] for user in data["users"]}) == 3

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[]", "not format and users"),
            (b"{}", "not format and users"),
            (b'{"format": 2, "users": []}', "format 2, this program reads 1"),
            (b'{"format": 1, "users": []}', "no administrator in it"),
            (b'{"format": 1, "users": {}}', "users."),
            (
                b'{"format": 1, "users": [{"name": "x", "role": "god", "hash": "$argon2id$secret",'
                b' "stamp": "12345678"}]}',
                "users.0.role",
            ),
            (
                b'{"format": 1, "users": [{"name": "x", "role": "engineer", "hash": "secret",'
                b' "stamp": "12345678"}]}',
                "users.0.hash",
            ),
        ],
    )
    def test_damaged_is_never_empty(self, users: Users, content: bytes, what: str) -> None:
        users.path.write_bytes(content)
        for work in (
            users.list,
            lambda: users.check("Ada", PASSWORD),
            lambda: users.add_first("Mallory", PASSWORD),
            lambda: users.stamp("Ada"),
        ):
            error = refused(work)
            assert error.reason == "damaged"
            assert f"damaged ({what}" in str(error)
            assert "secret" not in str(error)
        assert users.path.read_bytes() == content

    def test_one_name_twice(self, users: Users) -> None:
        data = json.loads(users.path.read_text("utf-8"))
        data["users"].append({**data["users"][1], "name": "EVE"})
        users.path.write_text(json.dumps(data), "utf-8")
        assert "(one name twice)" in str(refused(users.list))

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "users.json").mkdir()
        users = Users(tmp_path / "users.json", hasher=CHEAP)
        assert refused(users.list).reason == "damaged"

    def test_hashed_anew_when_the_parameters_change(self, users: Users) -> None:
        dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
        stamp = users.stamp("Ada")
        later = Users(users.path, hasher=dearer)
        assert later.check("Ada", PASSWORD) is not None
        hashes = [user["hash"] for user in json.loads(users.path.read_text("utf-8"))["users"]]
        assert [h.split("$")[3] for h in hashes] == ["m=16,t=2,p=1", "m=8,t=1,p=1", "m=8,t=1,p=1"]
        assert users.stamp("Ada") == stamp
        assert users.check("Ada", PASSWORD) is not None


class TestGuessing:
    def fail(self, users: Users, times: int, *, name: str = "Ada", address: str = "a") -> None:
        for _ in range(times):
            assert users.check(name, OTHER, address=address) is None

    def wait_s(self, users: Users, *, name: str = "Ada", address: str = "a") -> float:
        with pytest.raises(TooSoon) as caught:
            users.check(name, PASSWORD, address=address)
        return caught.value.wait_s

    def test_from_the_fifth_on_each_costs_twice_as_much(self, users: Users, clock: Clock) -> None:
        self.fail(users, 5)
        waits = []
        for _ in range(8):
            waits.append(self.wait_s(users))
            clock.now_s += waits[-1]
            self.fail(users, 1)
        assert waits == [1, 2, 4, 8, 16, 32, 64, 128]

    def test_even_the_right_password_waits_and_then_works(self, users: Users, clock: Clock) -> None:
        self.fail(users, 5)
        assert str(refused(lambda: users.check("Ada", PASSWORD, address="a"))) == (
            "sign-in: too many failed ones; try again in 2 s"
        )
        clock.now_s += 1
        assert users.check("Ada", PASSWORD, address="a") is not None

    def test_a_name_is_slowed_from_many_addresses_but_not_for_long(
        self, users: Users, clock: Clock
    ) -> None:
        for n in range(40):
            clock.now_s += 60
            self.fail(users, 1, address=f"bot {n}")
        assert self.wait_s(users, address="new") == 60

    def test_its_owner_gets_in_where_he_was_before(self, users: Users, clock: Clock) -> None:
        assert users.check("Ada", PASSWORD, address="desk") is not None
        for n in range(5):
            self.fail(users, 1, address=f"bot {n}")
        assert self.wait_s(users, address="new") == 1
        assert users.check("Ada", PASSWORD, address="desk") is not None

    def test_an_address_is_slowed_over_many_names(self, users: Users) -> None:
        for n in range(5):
            self.fail(users, 1, name=f"name {n}")
        assert self.wait_s(users, name="Eve") == 1
        assert users.check("Eve", PASSWORD, address="b") is not None

    def test_a_success_of_ones_own_frees_no_guesses_at_others(self, users: Users) -> None:
        self.fail(users, 4)
        assert users.check("Omar", PASSWORD, address="a") is not None
        self.fail(users, 1, name="Eve")
        assert self.wait_s(users, name="Eve") == 1

    def test_unknown_names_wait_alike(self, users: Users) -> None:
        self.fail(users, 5, name="nobody", address="a")
        assert self.wait_s(users, name="nobody", address="b") == 1

    def test_unknown_names_take_as_much_work(self, tmp_path: Path) -> None:
        """The same hashing, once each, whether there is such a user or not."""
        tried = []

        class Watched(PasswordHasher):
            def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
                tried.append((str(hash).split("$")[1:4], password))
                return super().verify(hash, password)

        cheap = Watched(time_cost=1, memory_cost=8, parallelism=1)
        users = Users(tmp_path / "users.json", hasher=cheap)
        users.add_first("Ada", PASSWORD)
        for name in ("Ada", "nobody", "", "x" * 9999):
            assert users.check(name, OTHER) is None
        assert tried == [(["argon2id", "v=19", "m=8,t=1,p=1"], OTHER.encode())] * 4

    def test_side_by_side_gains_nothing(self, users: Users) -> None:
        slowed = []

        def guess() -> None:
            try:
                users.check("Ada", OTHER, address="a")
            except TooSoon:
                slowed.append(1)

        threads = [Thread(target=guess) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(slowed) == 25

    def test_quiet_for_a_quarter_of_an_hour_is_forgotten(self, users: Users, clock: Clock) -> None:
        self.fail(users, 5)
        clock.now_s += 901
        self.fail(users, 4)
        assert users.check("Ada", PASSWORD, address="a") is not None

    def test_memory_is_bounded(self, clock: Clock) -> None:
        brake = LoginThrottle(clock, longest_s=60)
        for n in range(3 * MOST_KEYS):
            brake.failed(str(n))
        assert len(brake) == MOST_KEYS


class TestSessions:
    def begin(self, sessions: Sessions, name: str = "Eve") -> str:
        """Give the Cookie header of a new session."""
        user = sessions.users.find(name)
        assert user is not None
        return sessions.start(user, secure=False).partition(";")[0]

    def test_the_cookie(self, sessions: Sessions, users: Users) -> None:
        eve = User("Eve", Role.ENGINEER)
        line = sessions.start(eve, secure=True)
        name, _, rest = line.partition("=")
        assert name == sessions.cookie
        assert rest.partition(";")[2] == " Path=/; HttpOnly; SameSite=Strict; Secure"
        assert "Secure" not in sessions.start(eve, secure=False)
        session = sessions.read(f"x=1; {line.partition(';')[0]}; y=2")
        assert session is not None
        assert session.user == eve

    def test_stations_on_one_host_do_not_share_it(self, tmp_path: Path, users: Users) -> None:
        one, two = (Sessions(tmp_path / name, users) for name in "ab")
        assert one.cookie != two.cookie
        token = self.begin(one).partition("=")[2]
        assert two.read(f"{two.cookie}={token}") is None

    def test_a_changed_token_is_none(self, sessions: Sessions) -> None:
        cookie = self.begin(sessions)
        for at in range(cookie.index("=") + 1, len(cookie) - 1):
            letter = "A" if cookie[at] != "A" else "B"
            assert sessions.read(cookie[:at] + letter + cookie[at + 1 :]) is None
        for value in ("", "x", ".", "a.b", "\u00e9", "a" * 9000):
            assert sessions.read(f"{sessions.cookie}={value}") is None

    def test_one_set_by_a_neighbour_does_not_hide_it(self, sessions: Sessions) -> None:
        cookie = self.begin(sessions)
        assert sessions.read(f"{sessions.cookie}=evil; {cookie}") is not None
        assert list(cookie_values("a=1; b=2;a=3; a", "a")) == ["1", "3"]

    @pytest.mark.parametrize(("name", "hours"), [("Omar", 8), ("Eve", 1), ("Ada", 1)])
    def test_idle(self, sessions: Sessions, clock: Clock, name: str, hours: int) -> None:
        cookie = self.begin(sessions, name)
        clock.now_s += hours * HOUR_S
        assert sessions.read(cookie) is not None
        clock.now_s += 1
        assert sessions.read(cookie) is None

    def test_used_it_lasts_twelve_hours(self, sessions: Sessions, clock: Clock) -> None:
        cookie, began_s = self.begin(sessions), clock.now_s
        while (session := sessions.read(cookie)) is not None:
            cookie = (sessions.renew(session, secure=False) or cookie).partition(";")[0]
            clock.now_s += 1800
        assert clock.now_s - began_s == 12 * HOUR_S + 1800

    def test_a_cookie_is_renewed_once_a_minute(self, sessions: Sessions, clock: Clock) -> None:
        session = sessions.read(self.begin(sessions))
        assert session is not None
        assert sessions.renew(session, secure=False) is None
        clock.now_s += 60
        assert sessions.renew(session, secure=False) is not None

    def test_a_clock_set_back(self, sessions: Sessions, clock: Clock) -> None:
        cookie = self.begin(sessions)
        clock.now_s -= 60
        assert sessions.read(cookie) is not None
        clock.now_s -= 1
        assert sessions.read(cookie) is None

    @pytest.mark.parametrize(
        "change",
        [
            lambda users: users.set_password("Eve", OTHER),
            lambda users: users.set_role("Eve", Role.OPERATOR),
            lambda users: users.set_role("Eve", Role.ADMINISTRATOR),
            lambda users: users.sign_out("Eve"),
            lambda users: users.remove("Eve"),
            lambda users: (users.remove("Eve"), users.add("Eve", PASSWORD, Role.ENGINEER)),
        ],
    )
    def test_what_ends_it(
        self, sessions: Sessions, users: Users, change: Callable[[Users], object]
    ) -> None:
        cookies = [self.begin(sessions), self.begin(sessions)]
        other = self.begin(sessions, "Ada")
        change(users)
        assert [sessions.read(cookie) for cookie in cookies] == [None, None]
        assert sessions.read(other) is not None

    def test_signed_out_its_copies_end_and_no_other(self, sessions: Sessions) -> None:
        cookie, other = self.begin(sessions), self.begin(sessions)
        session = sessions.read(cookie)
        assert session is not None
        sessions.end(session)
        assert sessions.read(cookie) is None
        assert sessions.read(other) is not None
        assert sessions.clear(secure=False).endswith("; Max-Age=0")

    def test_what_was_ended_stays_ended_over_a_restart(
        self, sessions: Sessions, users: Users, clock: Clock
    ) -> None:
        cookie, other = self.begin(sessions), self.begin(sessions, "Ada")
        session = sessions.read(cookie)
        assert session is not None
        sessions.end(session)
        again = Sessions(sessions.secret, users, clock=clock)
        assert again.read(cookie) is None
        assert again.read(other) is not None
        assert [each.user.name for each in again.listed()] == ["Ada"]
        assert stat.S_IMODE(sessions.register.path.stat().st_mode) == 0o600

    def test_idle_counts_from_the_last_use_over_a_restart(
        self, sessions: Sessions, users: Users, clock: Clock
    ) -> None:
        cookie = self.begin(sessions)
        clock.now_s += HOUR_S - 1
        session = sessions.read(cookie)
        assert session is not None
        sessions.renew(session, secure=False)
        clock.now_s += HOUR_S - 1
        again = Sessions(sessions.secret, users, clock=clock)
        assert again.read(cookie) is not None

    def test_the_open_ones_are_listed_the_last_used_first(
        self, sessions: Sessions, users: Users, clock: Clock
    ) -> None:
        eve, ada = User("Eve", Role.ENGINEER), User("Ada", Role.ADMINISTRATOR)
        sessions.start(eve, secure=False, address="10.0.0.9")
        clock.now_s += 100
        sessions.start(ada, secure=False, address="10.0.0.8")
        told = [(each.user, each.address) for each in sessions.listed()]
        assert told == [(ada, "10.0.0.8"), (eve, "10.0.0.9")]
        assert sessions.end_one(sessions.listed()[1].handle) == eve
        assert sessions.end_one("0" * 16) is None
        assert [each.user for each in sessions.listed()] == [ada]
        users.set_password("Ada", OTHER)
        assert sessions.listed() == []

    def test_old_ones_are_forgotten(self, sessions: Sessions, clock: Clock) -> None:
        for _ in range(5):
            self.begin(sessions)
            clock.now_s += 6 * HOUR_S
        assert len(sessions.register.entries()) == 3

    @pytest.mark.parametrize("content", [b"", b"[", b"[" * 5000, b'{"format": 2}', b"[1]", b"\xff"])
    def test_a_damaged_register_keeps_nobody_out(
        self, sessions: Sessions, users: Users, clock: Clock, content: bytes
    ) -> None:
        cookie = self.begin(sessions)
        sessions.register.path.write_bytes(content)
        again = Sessions(sessions.secret, users, clock=clock)
        assert again.read(cookie) is not None
        self.begin(again)
        assert len(again.listed()) == 1

    def test_it_outlives_a_restart(self, sessions: Sessions, users: Users, clock: Clock) -> None:
        cookie = self.begin(sessions)
        assert Sessions(sessions.secret, users, clock=clock).read(cookie) is not None

    def test_the_secret(self, sessions: Sessions) -> None:
        self.begin(sessions)
        assert stat.S_IMODE(sessions.secret.stat().st_mode) == 0o600
        assert len(sessions.secret.read_bytes()) == 32
        assert [
            path.name for path in sessions.secret.parent.iterdir() if "secret" in path.name
        ] == ["secret"]

    def test_a_damaged_secret(self, tmp_path: Path, users: Users) -> None:
        path = tmp_path / "secret"
        path.write_bytes(b"short")
        path.chmod(0o600)
        with pytest.raises(SessionsError, match="damaged, 5 bytes, not 32; remove the file") as got:
            _ = Sessions(path, users).cookie
        assert "short" not in str(got.value)
        path.write_bytes(bytes(32))
        path.chmod(0o644)
        with pytest.raises(SessionsError, match="mode 0644 opens it to others"):
            _ = Sessions(path, users).cookie


def test_nothing_secret_is_logged(
    users: Users, sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ada = users.check("Ada", PASSWORD)
        assert ada is not None
        assert users.check("Ada", OTHER) is None
        token = sessions.start(ada, secure=False).partition("=")[2].partition(";")[0]
        assert sessions.read(f"{sessions.cookie}={token[:-1]}") is None
    assert not any(said in caplog.text for said in (PASSWORD, OTHER, token))
