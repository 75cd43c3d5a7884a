"""How people sign in beside by name and password: by their company's OpenID Connect provider or directory."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from annotated_types import Len
from pydantic.dataclasses import dataclass

from inspection.recipe.setup_file import STRICT

Text = Annotated[str, Len(min_length=1, max_length=500)]
RoleName = Literal["operator", "engineer", "administrator"]
"""The lowest first."""
Roles = Annotated[dict[RoleName, tuple[Text, ...]], Len(min_length=1)]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class OidcSettings:
    """An OpenID Connect provider, and which of its groups have which role here."""

    issuer: Text
    client_id: Text
    client_secret_file: Path
    roles: Roles
    """Names of groups for each role; who is in several has the highest role."""
    roles_claim: Text = "groups"
    """Where the ID token lists them; with dots where it lies deeper (realm_access.roles)."""
    name_claim: Text = "preferred_username"
    scope: Text = "openid profile"
    label: Text = "OpenID Connect"
    """What the button at sign-in says."""
    ca_file: Path | None = None
    """Certificates (PEM) of an authority of your own; None: the usual ones."""

    def __post_init__(self) -> None:
        if not safe(self.issuer):
            raise ValueError(f"issuer: must be https:// without a query, got {self.issuer!r}")


@dataclass(frozen=True, config=STRICT, kw_only=True)
class LdapSettings:
    """A directory that people's passwords are tried at, and which of its groups have which role here."""

    url: Text
    user_dn: Text
    """What is bound as, {name} in it: uid={name},ou=people,dc=plant or {name}@plant.example."""
    base: Text
    """Below which people and groups are looked for."""
    roles: Roles
    user_filter: Text = "(uid={name})"
    name_attribute: Text = "uid"
    groups_attribute: Text = "memberOf"
    group_filter: str = "(member={dn})"
    """Finds the groups of a person, {dn} in it; empty where the attribute tells them all."""
    start_tls: bool = False
    ca_file: Path | None = None
    """Certificates (PEM) of an authority of your own; None: the system's."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        here = parts.scheme == "ldap" and (self.start_tls or _loopback(parts.hostname or ""))
        if not (parts.scheme == "ldaps" or here) or not parts.hostname:
            raise ValueError(f"url: must be ldaps://, or ldap:// with start_tls, got {self.url!r}")
        for key, value in (("user_dn", self.user_dn), ("user_filter", self.user_filter)):
            if "{name}" not in value:
                raise ValueError(f"{key}: must have {{name}} in it, got {value!r}")


@dataclass(frozen=True, config=STRICT, kw_only=True)
class SignInSettings:
    """Ways to sign in at the page beside name and password."""

    oidc: OidcSettings | None = None
    ldap: LdapSettings | None = None


def role_of(groups: Iterable[str], roles: Mapping[RoleName, Iterable[str]]) -> RoleName | None:
    """The highest role that one of these groups has; None: none has any."""
    names = {name.casefold() for name in groups}
    ordered: tuple[RoleName, ...] = get_args(RoleName)
    having = [r for r in ordered if not names.isdisjoint(g.casefold() for g in roles.get(r, ()))]
    return having[-1] if having else None


def safe(url: str) -> bool:
    """Whether an address may be asked for who somebody is: over TLS, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return not parts.query and (
        (parts.scheme == "https" and host != "") or (parts.scheme == "http" and _loopback(host))
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
