"""What a user is, and users.json: format 1, mode 0600, argon2id hashes and no plain secret.

Errors
------
InspectionError
└── UsersError     a wish about users cannot be met, or users.json is damaged; `reason` names it
    └── TooSoon    too many failed sign-ins; `wait_s` says for how long nothing is tried
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Len
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic import dataclasses as checked

from inspection.durable_files import replace_json
from inspection.errors import InspectionError

FORMAT = 1


class UsersError(InspectionError):
    """A wish about users cannot be met, or users.json is damaged; `reason` is its catalogue key."""

    def __init__(self, text: str, *, reason: str, **values: Any) -> None:
        super().__init__(text)
        self.reason, self.values = reason, values


class TooSoon(UsersError):
    """Too many sign-ins failed; nothing was tried, and nothing will be for `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        seconds = max(1, round(wait_s + 0.5))
        text = f"sign-in: too many failed ones; try again in {seconds} s"
        super().__init__(text, reason="too_soon", seconds=seconds)
        self.wait_s = wait_s


class Role(StrEnum):
    """Three roles, each of which may do all that those before it may."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"

    def at_least(self, needed: Role) -> bool:
        """Whether this role may do what `needed` may."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class User:
    """A person the page knows by name."""

    name: str
    role: Role


@checked.dataclass(frozen=True, config={"extra": "forbid"})
class Entry:
    """A user as kept; `stamp` changes with whatever must end that user's sessions."""

    name: Annotated[str, Len(min_length=1)]
    role: Role
    hash: Annotated[str, StringConstraints(pattern=r"^\$argon2id\$")]
    stamp: Annotated[str, Len(min_length=8)]
    source: str = ""
    """Who says that this user is who they are, and by which subject; empty: a password here."""

    @property
    def key(self) -> str:
        """What the name is compared by."""
        return key_of(self.name)

    @property
    def user(self) -> User:
        """The user without secrets."""
        return User(self.name, self.role)


_ENTRIES = TypeAdapter(tuple[Entry, ...])


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Read the users; none only where there is no file. Raises UsersError for a damaged one."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "not JSON") from error
    if not isinstance(data, dict) or set(data) != {"format", "users"}:
        raise _damaged(path, "not format and users")
    if data["format"] != FORMAT:
        raise _damaged(path, f"format {data['format']!r:.20}, this program reads {FORMAT}")
    try:
        entries = _ENTRIES.validate_python(data["users"])
    except ValidationError as error:
        # The value is not told: it may be a hash.
        place = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        raise _damaged(path, f"users.{place}") from None
    if not any(entry.role is Role.ADMINISTRATOR for entry in entries):
        raise _damaged(path, "no administrator in it")
    if len({entry.key for entry in entries}) < len(entries):
        raise _damaged(path, "one name twice")
    return entries


def write_entries(path: Path, entries: tuple[Entry, ...]) -> None:
    """Write the users, all or nothing."""
    rows = [asdict(entry) for entry in entries]
    # Without a source a row is as it always was, so that an earlier program reads it.
    rows = [{key: row[key] for key in row if row[key] or key != "source"} for row in rows]
    data = {"format": FORMAT, "users": rows}
    replace_json(path, data, private=True, indent=1)


def key_of(name: str) -> str:
    """What a name is compared by: names that differ only in case or width are one."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def file_version(path: Path) -> tuple[int, int, int] | None:
    """Tell one content of a file from the next; None: there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(path, f"cannot be read: {error.strerror}") from error
    return found.st_mtime_ns, found.st_size, found.st_ino


def _damaged(path: Path, what: str) -> UsersError:
    text = (
        f"users {path}: damaged ({what}); nobody can sign in; put back a copy of it, or remove it "
        "to begin anew with a first administrator"
    )
    return UsersError(text, reason="damaged", path=str(path))
