"""PINs and badges: they find their user, and nobody else, slowly for who guesses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from ui.security.badges import Badges
from ui.security.users import Role, TooSoon, User, Users, UsersError

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
OLI, EVE = User("Oli", Role.OPERATOR), User("Eve", Role.ENGINEER)
HERE = "127.0.0.1"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def badges(tmp_path: Path, clock: Clock) -> Badges:
    users = Users(tmp_path / "users.json", hasher=CHEAP)
    users.add_first("Ada", PASSWORD)
    users.add("Eve", PASSWORD, Role.ENGINEER)
    users.add("Oli", PASSWORD, Role.OPERATOR)
    made = Badges(tmp_path / "badges.json", users, clock=clock)
    made.set("Oli", "714 902")
    made.set("eve", "4006381333931")
    return made


def test_a_code_finds_its_user_also_after_a_restart(badges: Badges) -> None:
    again = Badges(badges.path, badges.users)
    for each in (badges, again):
        assert each.who(" 714 902 ", address=HERE) == OLI
        assert each.who("４００６３８１３３３９３１", address=HERE) == EVE
    assert [badges.has(name) for name in ("oli", "Eve", "Ada")] == [True, True, False]


@pytest.mark.parametrize("code", ["", "714902", "714 903", "4006381333931x", "x" * 5000, "\ud800"])
def test_another_code_finds_nobody(badges: Badges, code: str) -> None:
    assert badges.who(code, address=HERE) is None


def test_the_file_is_private_and_holds_no_code(badges: Badges) -> None:
    assert stat.S_IMODE(badges.path.stat().st_mode) == 0o600
    text = badges.path.read_text()
    assert "714 902" not in text and "4006381333931" not in text


def test_a_user_has_one_and_it_goes_with_the_user(badges: Badges) -> None:
    badges.set("Oli", "another one")
    assert badges.who("714 902", address=HERE) is None
    assert badges.who("another one", address=HERE) == OLI
    badges.users.remove("Oli")
    badges.users.add("Oli", PASSWORD, Role.OPERATOR)
    assert badges.who("another one", address=HERE) is None
    badges.remove("Eve")
    badges.remove("Eve")
    assert badges.who("4006381333931", address=HERE) is None


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("Ada", "12345", "badge_length"),
        ("Ada", "x" * 65, "badge_length"),
        ("Ada", "123456", "badge_common"),
        ("Ada", "000000", "badge_common"),
        ("Ada", "714 902", "badge_taken"),
        ("nobody", "8812097", "unknown_user"),
    ],
)
def test_a_code_that_cannot_be(badges: Badges, name: str, code: str, reason: str) -> None:
    with pytest.raises(UsersError) as refused:
        badges.set(name, code)
    assert refused.value.reason == reason
    assert code not in str(refused.value)
    assert badges.has("Ada") is False


def test_guessing_is_slowed_where_it_comes_from(badges: Badges, clock: Clock) -> None:
    for number in range(5):
        assert badges.who(f"99999{number}", address=HERE) is None
    with pytest.raises(TooSoon):
        badges.who("714 902", address=HERE)
    assert badges.who("714 902", address="10.0.0.9") == OLI
    clock.now_s += 2
    assert badges.who("714 902", address=HERE) == OLI


@pytest.mark.parametrize("content", [b"", b"[", b"[" * 5000, b'{"format": 1}', b"\xff"])
def test_a_damaged_file_is_told(badges: Badges, content: bytes) -> None:
    badges.path.write_bytes(content)
    with pytest.raises(UsersError, match="damaged") as refused:
        badges.who("714 902", address=HERE)
    assert refused.value.reason == "badges_damaged"
