"""Signing in by OpenID Connect: authorization code with PKCE (RFC 7636), the ID token checked here.

Errors
------
InspectionError
└── UsersError
    └── OidcError    the provider cannot be asked, or what it said is not to be believed
"""

from __future__ import annotations

import hmac
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from secrets import token_urlsafe
from typing import Any

import httpx

from inspection.errors import SetupError
from inspection.station.sign_in import OidcSettings, role_of, safe
from ui.security.person import Person
from ui.security.users_file import Role, UsersError

TIMEOUT_S = 10.0
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
        metadata = await self._metadata()
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url)

    async def finish(
        self, attempt: Attempt, answer: Mapping[str, str], redirect_uri: str
    ) -> Person:
        """Who came back. Raises OidcError."""
        from authlib.integrations.base_client import OAuthError

        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise OidcError("another state came back than was sent", reason="oidc_again")
        if "error" in answer or "code" not in answer:
            raise OidcError(f"the provider refused: {answer.get('error', 'no code')[:100]!r}")
        metadata = await self._metadata()
        try:
            async with self._client(redirect_uri) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=answer["code"],
                    code_verifier=attempt.verifier,
                )
        except (OAuthError, httpx.HTTPError, ValueError) as error:
            raise OidcError(f"the code was not taken: {str(error)[:200]!r}") from error
        keys = await self._json(metadata["jwks_uri"])
        return self._person(self._claims(str(token.get("id_token", "")), keys, attempt.nonce))

    def _claims(self, token: str, keys: Any, nonce: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
            registry.validate(claims)
        except (
            JoseError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            RecursionError,
        ) as error:
            raise OidcError(f"the ID token does not hold: {str(error)[:200]!r}") from error
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
        found = {groups} if isinstance(groups, str) else set(map(str, groups or ()))
        role = role_of(found, self.settings.roles)
        if role is None:
            raise OidcError(f"user {name[:64]!r} has no role here", reason="oidc_no_role")
        return Person(name=name, role=Role(role), subject=str(claims["sub"]))

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

    async def _json(self, url: str) -> Any:
        try:
            async with httpx.AsyncClient(
                trust_env=False, timeout=TIMEOUT_S, verify=self._trust
            ) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                return answer.json()
        except (httpx.HTTPError, ValueError, RecursionError) as error:
            raise OidcError(f"{url} cannot be asked ({type(error).__name__})") from error

    def _client(self, redirect_uri: str) -> Any:
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self._secret,
            scope=self.settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            trust_env=False,
            timeout=TIMEOUT_S,
            verify=self._trust,
        )


def _read(settings: OidcSettings) -> str:
    path = settings.client_secret_file
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"sign_in.oidc.client_secret_file {path}: cannot be read") from error
    if not secret:
        raise SetupError(f"sign_in.oidc.client_secret_file {path}: is empty")
    return secret
