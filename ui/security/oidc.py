"""Signing in by OpenID Connect: authorization code with PKCE (RFC 7636), the ID token checked here.

Errors
------
InspectionError
└── UsersError
    └── OidcError    the provider cannot be asked, or what it said is not to be believed
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from secrets import token_urlsafe
from typing import Any

import httpx

from inspection.errors import SetupError
from inspection.outside import check_text, read_json
from inspection.station.sign_in import OidcSettings, role_of, safe
from ui.security.bounded_answers import MOST_BYTES, BoundedTransport
from ui.security.person import Person
from ui.security.users_file import Role, UsersError

TIMEOUT_S = 10.0
WHOLE_S = 20.0
"""For all that is asked at one stop; an answer may come byte by byte."""
METADATA_S = 300.0
"""So long is believed what a provider said of itself: who asks us often does not ask it often."""
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "Ed25519", "EdDSA")
"""Signatures by a key only the provider has; never "none", never our own secret."""

log = logging.getLogger(__name__)


class OidcError(UsersError):
    """The provider cannot be asked, or what it said is not to be believed."""

    def __init__(self, why: str, *, reason: str = "oidc_failed") -> None:
        super().__init__(f"sign-in by OpenID Connect: {why}", reason=reason)
        log.warning("%s", self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a browser must bring back: it was asked with these and nothing else."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """Make one nobody can guess."""
        return cls(state=token_urlsafe(24), nonce=token_urlsafe(24), verifier=token_urlsafe(48))


class Provider:
    """Asks one provider. Raises SetupError where the settings cannot be used."""

    def __init__(self, settings: OidcSettings) -> None:
        self.settings = settings
        if missing := [each for each in ("authlib", "joserfc") if find_spec(each) is None]:
            raise SetupError(
                f"sign_in.oidc: {', '.join(missing)} is not installed; pip install 'inspection[oidc]'"
            )
        self._secret = _read(settings)
        self._known: tuple[float, dict[str, str]] | None = None
        try:
            self._trust = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as error:
            raise SetupError(
                f"sign_in.oidc.ca_file {settings.ca_file}: no certificates in PEM"
            ) from error

    async def begin(self, attempt: Attempt, redirect_uri: str) -> str:
        """The address to send the browser to. Raises OidcError."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        metadata = await self._metadata()
        with _believed("the provider's address cannot be used"):
            return str(
                prepare_grant_uri(
                    metadata["authorization_endpoint"],
                    self.settings.client_id,
                    "code",
                    redirect_uri=redirect_uri,
                    scope=self.settings.scope,
                    state=attempt.state,
                    nonce=attempt.nonce,
                    code_challenge=create_s256_code_challenge(attempt.verifier),
                    code_challenge_method="S256",
                )
            )

    async def finish(
        self, attempt: Attempt, answer: Mapping[str, str], redirect_uri: str
    ) -> Person:
        """Who came back. Raises OidcError."""
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise OidcError("another state came back than was sent", reason="oidc_again")
        if "error" in answer or "code" not in answer:
            raise OidcError(f"the provider refused: {answer.get('error', 'no code')[:100]!r}")
        metadata = await self._metadata()
        # RFC 6749 (October 2012), section 4.1.3, and RFC 7636 (September 2015), section 4.5.
        exchange = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        token = await self._json(metadata["token_endpoint"], exchange)
        id_token = str(token.get("id_token")) if isinstance(token, dict) else ""
        keys = await self._json(metadata["jwks_uri"])
        with _believed("the ID token does not hold"):
            return self._person(self._claims(id_token, keys, attempt.nonce))

    def _claims(self, token: str, keys: Any, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.jwk import KeySet

        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
        registry.validate(claims)
        if claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise OidcError("the ID token does not hold: it was given to another client")
        return dict(claims)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name = claims.get(self.settings.name_claim)
        if not isinstance(name, str) or not name:
            raise OidcError(f"the ID token has no name in {self.settings.name_claim!r}")
        groups: Any = claims
        for step in self.settings.roles_claim.split("."):
            groups = groups.get(step) if isinstance(groups, Mapping) else None
        listed = groups if isinstance(groups, list) else [groups]
        found = {each for each in listed if isinstance(each, str)}
        role = role_of(found, self.settings.roles)
        if role is None:
            raise OidcError(f"user {name[:64]!r} has no role here", reason="oidc_no_role")
        subject = str(claims["sub"])
        check_text("sub", subject)
        return Person(name=name, role=Role(role), subject=subject)

    async def _metadata(self) -> dict[str, str]:
        """What the provider says of itself (OpenID Connect Discovery 1.0)."""
        if self._known is not None and time.monotonic() - self._known[0] < METADATA_S:
            return self._known[1]
        issuer = self.settings.issuer
        found = await self._json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not isinstance(found, dict) or found.get("issuer") != issuer:
            raise OidcError(f"{issuer} does not say that it is this issuer")
        if unsafe := [name for name in names if not safe(str(found.get(name)))]:
            raise OidcError(f"{issuer}: {unsafe[0]} is not a safe address")
        metadata = {name: str(found[name]) for name in names}
        self._known = (time.monotonic(), metadata)
        return metadata

    async def _json(self, url: str, form: Mapping[str, str] | None = None) -> Any:
        """What is answered to a question, or to a form sent in the client's name."""
        with _believed(f"{url} cannot be asked"):
            async with (
                asyncio.timeout(WHOLE_S),
                httpx.AsyncClient(
                    transport=BoundedTransport(verify=self._trust, trust_env=False),
                    timeout=TIMEOUT_S,
                ) as client,
            ):
                if form is None:
                    answer = await client.get(url)
                else:
                    known = (self.settings.client_id, self._secret)
                    answer = await client.post(url, data=form, auth=known)
                answer.raise_for_status()
                return read_json(answer.content, most_bytes=MOST_BYTES)


@contextmanager
def _believed(what: str) -> Iterator[None]:
    """Whatever goes wrong with what a provider said, it is not to be believed. Raises OidcError."""
    try:
        yield
    except OidcError:
        raise
    except Exception as error:  # libraries fail in many ways at what others send
        text = str(error)[:200] or type(error).__name__
        raise OidcError(f"{what}: {text!r}") from error


def _read(settings: OidcSettings) -> str:
    path = settings.client_secret_file
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"sign_in.oidc.client_secret_file {path}: cannot be read") from error
    if not secret:
        raise SetupError(f"sign_in.oidc.client_secret_file {path}: is empty")
    return secret
