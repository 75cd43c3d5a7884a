"""Who may do what on the page: added, removed, and checked at sign-in, slowly for who guesses."""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from filelock import FileLock, Timeout

from ui.security.badges import Badges
from ui.security.passwords import LONGEST, check_password
from ui.security.throttle import MOST_KEYS, LoginThrottle
from ui.security.users_file import (
    Entry,
    Role,
    TooSoon,
    User,
    UsersError,
    file_version,
    key_of,
    read_entries,
    write_entries,
)

__all__ = ["Role", "TooSoon", "User", "Users", "UsersError"]

LONGEST_NAME = 64
LONGEST_WAIT_NAME_S = 60.0
"""Short: whoever guesses at a name must not be able to keep its owner out for long."""
LONGEST_WAIT_ADDRESS_S = 300.0
LOCK_TIMEOUT_S = 10.0
# RFC 9106 (September 2021), section 4, second recommendation, but with one lane: the cores belong
# to the inspection.
TIME_COST, MEMORY_KIB, LANES = 3, 65536, 1
NAME = re.compile(r"\w(?:[\w .@+'-]*\w)?")
ANYBODY = "operator"
"""Who works on the station itself without signing in; nobody with more rights may be called so."""


Entries = dict[str, Entry]


class Users:
    """The users of a station, read anew whenever another process changed the file.

    Sign-in is slowed per name (at most 60 s) and per address (at most 300 s) from the fifth failure
    on; a name's delay does not hold at an address where its owner signed in before.
    """

    def __init__(
        self,
        path: Path,
        *,
        hasher: PasswordHasher | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._hasher = hasher or PasswordHasher(TIME_COST, MEMORY_KIB, LANES)
        self._lock = RLock()
        self._names = LoginThrottle(clock, longest_s=LONGEST_WAIT_NAME_S)
        self._addresses = LoginThrottle(clock, longest_s=LONGEST_WAIT_ADDRESS_S)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._read: tuple[tuple[int, int, int] | None, Entries] | None = None

    def list(self) -> tuple[User, ...]:
        """All users by name; none at all only while nobody has made the first."""
        return tuple(entry.user for _, entry in sorted(self._entries().items()))

    def find(self, name: str) -> User | None:
        """The user of this name."""
        entry = self._entries().get(key_of(name))
        return entry.user if entry else None

    def stamp(self, name: str) -> str | None:
        """What a session of this user must carry to be valid; None: there is no such user."""
        entry = self._entries().get(key_of(name))
        return entry.stamp if entry else None

    def check(self, name: str, password: str, *, address: str = "") -> User | None:
        """The user when name and password fit; unknown names take as long as known ones.

        Raises TooSoon while the name or the address has to wait.
        """
        key, entries = key_of(name), self._entries()
        self._slow(key, address)
        entry = entries.get(key)
        if not self._fits(entry.hash if entry else self._decoy, password) or entry is None:
            return None
        self._succeeded(key, address)
        self._refresh(entry, password)
        return entry.user

    def ask(self, name: str, asked: Callable[[], User | None], *, address: str = "") -> User | None:
        """Have somebody else check name and password, slowed as `check` is. Raises TooSoon."""
        key = key_of(name)
        self._slow(key, address)
        user = asked()
        if user is not None:
            self._succeeded(key, address)
        return user

    def has_password(self, name: str) -> bool:
        """Whether a user of this name signs in by a password that is kept here."""
        entry = self._entries().get(key_of(name))
        return entry is not None and not entry.source

    def add(self, name: str, password: str, role: Role) -> User:
        """Add a user. The first of all must be an administrator."""
        return self._add(name, password, role, self._changing())

    def add_first(self, name: str, password: str) -> User:
        """Make the first administrator; refused as soon as there is any user."""
        return self._add(name, password, Role.ADMINISTRATOR, self._changing_none())

    def adopt(self, name: str, role: Role, *, source: str) -> User:
        """Take over a user whom somebody else vouches for, or their new role; they have no password.

        Raises UsersError where the name is that of a user with a password, or of another subject.
        """
        name = check_name(name, role)
        known = self._entries().get(key_of(name))
        if known is None:
            hash_ = self._hash(secrets.token_hex(32))
            made = Entry(name, role, hash_, _new_stamp(), source)
            with self._changing() as entries:
                entries.setdefault(key_of(name), made)
                _require_source(entries[key_of(name)], source)
            return made.user
        _require_source(known, source)
        if known.role is not role:
            self._change(name, role=role)
        return User(known.name, role)

    def remove(self, name: str) -> None:
        """Remove a user and end the sessions of that name."""
        with self._changing() as entries:
            del entries[_known(entries, name)]
        self.badges.remove(name)

    def set_password(self, name: str, password: str) -> None:
        """Change a password and end the user's sessions."""
        check_password(name, password)
        entry = self._entries().get(key_of(name))
        if entry is not None and entry.source:
            text = f"user {name!r}: signs in elsewhere and has no password here"
            raise UsersError(text, reason="no_password_here", who=name)
        self._change(name, hash=self._hash(password))

    def set_role(self, name: str, role: Role) -> None:
        """Change a role and end the user's sessions."""
        check_name(name, role)
        self._change(name, role=role)

    def sign_out(self, name: str) -> None:
        """End all sessions of a user, wherever they are."""
        self._change(name)

    @cached_property
    def badges(self) -> Badges:
        """The users' PINs and badges."""
        return Badges(self.path.with_name("badges.json"), self)

    def _add(
        self, name: str, password: str, role: Role, changing: AbstractContextManager[Entries]
    ) -> User:
        name = check_name(name, role)
        check_password(name, password)
        entry = Entry(name, role, self._hash(password), _new_stamp())
        with changing as entries:
            if key_of(name) in entries:
                text = f"user {name!r}: there is one of this name already; take another name"
                raise UsersError(text, reason="name_taken", who=name)
            entries[key_of(name)] = entry
        return entry.user

    def _change(self, name: str, **fields: Any) -> None:
        with self._changing() as entries:
            key = _known(entries, name)
            entries[key] = replace(entries[key], stamp=_new_stamp(), **fields)

    @contextmanager
    def _changing(self) -> Iterator[Entries]:
        """Read, let it be changed, and write; no other thread or process comes between."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock, FileLock(f"{self.path}.lock", timeout=LOCK_TIMEOUT_S, mode=0o600):
                entries = dict(self._entries())
                yield entries
                _keep_an_administrator(entries)
                write_entries(self.path, tuple(entries.values()))
        except Timeout:
            text = f"users {self.path}: another process held it for {LOCK_TIMEOUT_S:g} s; try again"
            raise UsersError(text, reason="busy") from None
        except OSError as error:
            text = (
                f"users {self.path}: cannot be written ({error.strerror}); free or repair the disk"
            )
            raise UsersError(text, reason="not_written") from error

    @contextmanager
    def _changing_none(self) -> Iterator[Entries]:
        with self._changing() as entries:
            if entries:
                text = f"users {self.path}: there are users; an administrator adds further ones"
                raise UsersError(text, reason="not_first")
            yield entries

    def _entries(self) -> Entries:
        """Read the file unless it is the one read last."""
        with self._lock:
            version = file_version(self.path)
            if self._read is None or self._read[0] != version:
                self._read = (version, {e.key: e for e in read_entries(self.path)})
            return self._read[1]

    def _slow(self, key: str, address: str) -> None:
        """Count a failure before anything is tried, so that tries side by side gain nothing."""
        with self._lock:
            wait_s = self._addresses.wait_s(address)
            if (key, address) not in self._known:
                wait_s = max(wait_s, self._names.wait_s(key))
            if wait_s > 0:
                raise TooSoon(wait_s)
            self._names.failed(key)
            self._addresses.failed(address)

    def _succeeded(self, key: str, address: str) -> None:
        """Forget the name's failures, but not the address's: it may be guessing at others."""
        with self._lock:
            self._names.forget(key)
            self._addresses.withdraw(address)
            self._known[key, address] = None
            while len(self._known) > MOST_KEYS:
                self._known.popitem(last=False)

    @cached_property
    def _decoy(self) -> str:
        """A hash of nobody's password, as dear to try as a true one."""
        return self._hasher.hash(secrets.token_bytes(16))

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_bytes(password))

    def _fits(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, _bytes(password[:LONGEST]))
        except (VerificationError, InvalidHashError):
            return False

    def _refresh(self, entry: Entry, password: str) -> None:
        """Hash anew when the parameters changed; if the file cannot be written, the next time."""
        if not self._hasher.check_needs_rehash(entry.hash):
            return
        with suppress(UsersError), self._changing() as entries:
            if entries.get(key_of(entry.name)) == entry:
                entries[key_of(entry.name)] = replace(entry, hash=self._hash(password))


def check_name(name: str, role: Role) -> str:
    """The name as it is kept. Raises UsersError."""
    name = unicodedata.normalize("NFKC", name).strip()
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        text = (
            f"user {name[:LONGEST_NAME]!r}: not a name; letters, digits and inner spaces and "
            f". @ + ' - are allowed, at most {LONGEST_NAME} characters"
        )
        raise UsersError(text, reason="bad_name", longest=LONGEST_NAME)
    if key_of(name) == ANYBODY and role is not Role.OPERATOR:
        text = f"user {name!r}: is whoever works without signing in, so only an operator; take another name"
        raise UsersError(text, reason="anybody", who=name)
    return name


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _require_source(entry: Entry, source: str) -> None:
    if entry.source != source:
        text = (
            f"user {entry.name!r}: is another person here; an administrator renames or removes one"
        )
        raise UsersError(text, reason="another_person", who=entry.name)


def _new_stamp() -> str:
    return secrets.token_hex(8)


def _known(entries: Entries, name: str) -> str:
    if key_of(name) not in entries:
        known = ", ".join(sorted(entry.name for entry in entries.values())) or "none"
        text = f"user {name[:LONGEST_NAME]!r}: no such user; there are: {known}"
        raise UsersError(text, reason="unknown_user", who=name[:LONGEST_NAME])
    return key_of(name)


def _keep_an_administrator(entries: Entries) -> None:
    if not any(entry.role is Role.ADMINISTRATOR for entry in entries.values()):
        text = "users: no administrator would be left; make another one an administrator first"
        raise UsersError(text, reason="last_administrator")
