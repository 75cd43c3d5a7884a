"""Who is signed in: signed cookies that expire, and end with the password they were made with."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from inspection.durable_files import new_file
from inspection.errors import InspectionError
from ui.security.session_register import Entry, SessionRegister
from ui.security.users import Role, User, Users

SECRET_BYTES = 32
HOUR_S = 3600.0
IDLE_S = {Role.OPERATOR: 8 * HOUR_S, Role.ENGINEER: HOUR_S, Role.ADMINISTRATOR: HOUR_S}
ABSOLUTE_S = 12 * HOUR_S
RENEW_S = 60.0
"""A cookie used again within a minute is not worth a new one."""
SKEW_S = 60.0
"""A clock may be set back by so much; further, and sessions end."""


class SessionsError(InspectionError):
    """The secret that signs sessions is damaged or open to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A session as an administrator sees it: `handle` names it and opens nothing."""

    handle: str
    user: User
    since_s: float
    used_s: float
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in of one person in one browser."""

    user: User
    id: str
    stamp: str
    since_s: float
    used_s: float


class Sessions:
    """Issues and reads the cookie of a session.

    A session ends 8 h (operator) or 1 h (engineer, administrator) after it was last used, 12 h after
    sign-in at the latest, with a change of password or role, with removal, by sign-out, and when an
    administrator ends it; a restart of the page changes nothing of that.
    """

    def __init__(
        self, secret: Path, users: Users, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.secret, self.users, self.clock = secret, users, clock
        self.register = SessionRegister(secret.with_name("sessions.json"))

    @cached_property
    def cookie(self) -> str:
        """The cookie's name, another one for each station: cookies do not tell ports apart."""
        return f"inspection_{hashlib.sha256(self._key).hexdigest()[:8]}"

    def start(self, user: User, *, secure: bool, address: str = "") -> str:
        """Begin a session; give the Set-Cookie line."""
        now = self.clock()
        session = Session(
            user=user,
            id=token_hex(16),
            stamp=self.users.stamp(user.name) or "",
            since_s=now,
            used_s=now,
        )
        entry = replace(_entry(session), address=address)
        self.register.begun(session.id, entry, oldest_s=now - ABSOLUTE_S)
        return self._line(self._sign(session), secure=secure)

    def read(self, cookies: str) -> Session | None:
        """The session of a Cookie header. Raises UsersError when users.json is damaged."""
        sessions = (self._session(token) for token in cookie_values(cookies, self.cookie))
        return next((s for s in sessions if s is not None and self.valid(s)), None)

    def valid(self, session: Session) -> bool:
        """Whether a session still holds."""
        now, user = self.clock(), self.users.find(session.user.name)
        entry = self.register.find(session.id)
        used_s = max(session.used_s, 0.0 if entry is None else entry.used_s)
        return (
            user == session.user
            and self.users.stamp(user.name) == session.stamp
            and not (entry is not None and entry.ended)
            and -SKEW_S <= now - used_s <= IDLE_S[user.role]
            and -SKEW_S <= now - session.since_s <= ABSOLUTE_S
        )

    def renew(self, session: Session, *, secure: bool) -> str | None:
        """Note that a session was used; give a new Set-Cookie line when the cookie is old."""
        now = self.clock()
        self.register.used(session.id, _entry(session), now)
        if now - session.used_s < RENEW_S:
            return None
        return self._line(self._sign(session, used_s=now), secure=secure)

    def end(self, session: Session) -> None:
        """End one session, also for copies of its cookie."""
        self.register.ended(session.id, _entry(session))

    def listed(self) -> list[OpenSession]:
        """List the sessions that may be open, the one used last first."""
        now = self.clock()
        found = [
            OpenSession(
                handle=handle_of(session_id),
                user=User(entry.name, entry.role),
                since_s=entry.since_s,
                used_s=entry.used_s,
                address=entry.address,
            )
            for session_id, entry in self.register.entries().items()
            if self._open(entry, now)
        ]
        return sorted(found, key=lambda each: -each.used_s)

    def end_one(self, handle: str) -> User | None:
        """End the open session of a handle; give whose it was, None where there is none."""
        now = self.clock()
        for session_id, entry in self.register.entries().items():
            if handle_of(session_id) == handle and self._open(entry, now):
                self.register.ended(session_id, entry)
                return User(entry.name, entry.role)
        return None

    def _open(self, entry: Entry, now: float) -> bool:
        """Whether a remembered session still holds."""
        return (
            not entry.ended
            and self.users.find(entry.name) == User(entry.name, entry.role)
            and self.users.stamp(entry.name) == entry.stamp
            and now - entry.used_s <= IDLE_S[entry.role]
            and now - entry.since_s <= ABSOLUTE_S
        )

    def clear(self, *, secure: bool) -> str:
        """The Set-Cookie line that takes the cookie away."""
        return self._line("", secure=secure) + "; Max-Age=0"

    def _session(self, token: str) -> Session | None:
        """What a token says, if we signed it."""
        try:
            said = self._signer.loads(token)
            user = User(said["name"], Role(said["role"]))
            return Session(
                user=user,
                id=said["id"],
                stamp=said["stamp"],
                since_s=said["since"],
                used_s=said["used"],
            )
        except (BadData, KeyError, TypeError, ValueError):
            return None

    def _sign(self, session: Session, *, used_s: float | None = None) -> str:
        said: dict[str, Any] = {
            "name": session.user.name,
            "role": str(session.user.role),
            "id": session.id,
            "stamp": session.stamp,
            "since": session.since_s,
            "used": session.used_s if used_s is None else used_s,
        }
        signed = self._signer.dumps(said)
        return signed.decode() if isinstance(signed, bytes) else signed

    def _line(self, value: str, *, secure: bool) -> str:
        line = f"{self.cookie}={value}; Path=/; HttpOnly; SameSite=Strict"
        return f"{line}; Secure" if secure else line

    def signer(self, purpose: str) -> URLSafeTimedSerializer:
        """What signs something else than sessions, so that the one never passes for the other."""
        return URLSafeTimedSerializer(
            self._key,
            salt=purpose,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    @cached_property
    def _key(self) -> bytes:
        return read_secret(self.secret)

    @cached_property
    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._key,
            salt="session",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )


def handle_of(session_id: str) -> str:
    """What a session is called outside of its cookie."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]


def _entry(session: Session) -> Entry:
    return Entry(
        name=session.user.name,
        role=session.user.role,
        stamp=session.stamp,
        since_s=session.since_s,
        used_s=session.used_s,
    )


def read_secret(path: Path) -> bytes:
    """The secret of a station, made at first use. Raises SessionsError."""
    try:
        if not path.exists():
            new_file(path, token_bytes(SECRET_BYTES), private=True)
        secret, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise SessionsError(f"secret {path}: cannot be read or made: {error.strerror}") from error
    advice = "remove the file; everybody signs in anew"
    if len(secret) != SECRET_BYTES:
        raise SessionsError(f"secret {path}: damaged, {len(secret)} bytes, not 32; {advice}")
    if os.name != "nt" and mode & 0o077:
        raise SessionsError(f"secret {path}: mode {mode & 0o777:04o} opens it to others; {advice}")
    return secret


def cookie_values(cookies: str, name: str) -> Iterator[str]:
    """Every value of a cookie; a neighbour may have set one of the same name."""
    for pair in cookies.split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name and value:
            yield value
