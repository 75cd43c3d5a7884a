"""Who somebody is, as a provider or a directory says."""

from __future__ import annotations

from dataclasses import dataclass

from ui.security.users_file import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A name, the role of their groups, and a `subject` that is never another person's."""

    name: str
    role: Role
    subject: str
