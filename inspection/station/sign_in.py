"""How people sign in beside by name and password: by their company's OpenID Connect provider."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from annotated_types import Len
from pydantic.dataclasses import dataclass

from inspection.recipe.setup_file import STRICT

Text = Annotated[str, Len(min_length=1, max_length=500)]
RoleName = Literal["operator", "engineer", "administrator"]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class OidcSettings:
    """An OpenID Connect provider, and which of its groups have which role here."""

    issuer: Text
    client_id: Text
    client_secret_file: Path
    roles: Annotated[dict[RoleName, tuple[Text, ...]], Len(min_length=1)]
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
class SignInSettings:
    """Ways to sign in at the page beside name and password."""

    oidc: OidcSettings | None = None


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
