"""PINs and badges that say who does something at a screen everybody uses; they sign nobody in.

`badges.json` beside users.json, mode 0600: a hash for each user, all with one salt, so that a code alone
finds its user. Format 1.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from argon2.low_level import Type, hash_secret_raw
from filelock import FileLock
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic import dataclasses as checked
from zxcvbn import zxcvbn

from inspection.durable_files import replace_json
from ui.security.throttle import LoginThrottle
from ui.security.users_file import TooSoon, User, UsersError, key_of

if TYPE_CHECKING:
    from ui.security.users import Users

FORMAT = 1
SHORTEST, LONGEST = 6, 64
LONGEST_WAIT_S = 60.0
LOCK_TIMEOUT_S = 10.0
LARGEST_BYTES = 2**22
# As for passwords (users.py); the one salt is what lets a code find its user.
TIME_COST, MEMORY_KIB, LANES = 3, 65536, 1

Hex = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{2}){16,32}$")]


@checked.dataclass(frozen=True, config={"extra": "forbid"}, kw_only=True)
class BadgesFile:
    """What is kept: the hash of a code by the key of its user's name."""

    format: int
    salt: Hex
    badges: dict[str, Hex]


_FILE = TypeAdapter(BadgesFile)


class Badges:
    """The codes of the users of a station; tries are slowed per address, as sign-in is."""

    def __init__(
        self, path: Path, users: Users, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path, self.users = path, users
        self._throttle = LoginThrottle(clock, longest_s=LONGEST_WAIT_S)
        self._one = Lock()

    def has(self, name: str) -> bool:
        """Whether a user has a code."""
        return key_of(name) in self._read().badges

    def set(self, name: str, code: str) -> None:
        """Give a user a code. Raises UsersError for one that is too short, guessed at once or taken."""
        if self.users.find(name) is None:
            raise UsersError(f"user {name!r}: no such user", reason="unknown_user", who=name)
        plain = check_code(name, code)
        with self._changing() as kept:
            found = _hash(plain, kept.salt)
            others = (each for key, each in kept.badges.items() if key != key_of(name))
            if found in others:
                text = f"user {name!r}: this PIN or badge is somebody else's; take another"
                raise UsersError(text, reason="badge_taken")
            kept.badges[key_of(name)] = found

    def remove(self, name: str) -> None:
        """Take a user's code away, if there is one."""
        if self.has(name):
            with self._changing() as kept:
                kept.badges.pop(key_of(name), None)

    def who(self, code: str, *, address: str) -> User | None:
        """Whose code this is. Raises TooSoon after several that were nobody's."""
        with self._one:  # each costs a core a tenth of a second
            wait_s = self._throttle.wait_s(address)
            if wait_s > 0:
                raise TooSoon(wait_s)
            kept = self._read()
            found = _hash(_plain(code)[:LONGEST], kept.salt)
            keys = [key for key, each in kept.badges.items() if hmac.compare_digest(each, found)]
            user = self.users.find(keys[0]) if keys else None
            if user is None:
                self._throttle.failed(address)
            else:
                self._throttle.forget(address)
            return user

    def _read(self) -> BadgesFile:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return BadgesFile(format=FORMAT, salt=secrets.token_hex(16), badges={})
        except OSError as error:
            raise self._damaged(f"cannot be read: {error.strerror}") from error
        try:
            if len(data) > LARGEST_BYTES:
                raise ValueError("too large")
            kept = _FILE.validate_python(json.loads(data))
        except (ValueError, RecursionError, ValidationError):
            raise self._damaged("not what was written") from None
        if kept.format != FORMAT:
            raise self._damaged(f"format {kept.format}, this program reads {FORMAT}")
        return kept

    @contextmanager
    def _changing(self) -> Iterator[BadgesFile]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock", timeout=LOCK_TIMEOUT_S, mode=0o600):
            kept = self._read()
            yield kept
            replace_json(self.path, asdict(kept), private=True)

    def _damaged(self, what: str) -> UsersError:
        text = f"badges {self.path}: damaged ({what}); put back a copy of it, or remove it"
        return UsersError(text, reason="badges_damaged")


def check_code(name: str, code: str) -> str:
    """The code as it is compared. Raises UsersError; never tells the code."""
    plain = _plain(code)
    if not SHORTEST <= len(plain) <= LONGEST:
        text = f"user {name!r}: a PIN or badge has {SHORTEST} to {LONGEST} characters"
        raise UsersError(text, reason="badge_length", shortest=SHORTEST, longest=LONGEST)
    if zxcvbn(plain)["score"] == 0:
        text = f"user {name!r}: this PIN is among those that are tried first; take another"
        raise UsersError(text, reason="badge_common")
    return plain


def _plain(code: str) -> str:
    return unicodedata.normalize("NFKC", code).strip()


def _hash(code: str, salt: str) -> str:
    return hash_secret_raw(
        code.encode("utf-8", "surrogatepass"),
        bytes.fromhex(salt),
        time_cost=TIME_COST,
        memory_cost=MEMORY_KIB,
        parallelism=LANES,
        hash_len=32,
        type=Type.ID,
    ).hex()
