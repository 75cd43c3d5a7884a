"""Signing in by LDAP: a bind with the person's own name and password, and their groups from the directory.

Errors
------
InspectionError
└── UsersError
    └── DirectoryError    the directory cannot be asked
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

from inspection.errors import SetupError
from inspection.outside import in_words
from inspection.station.sign_in import LdapSettings, role_of
from ui.security.person import Person
from ui.security.users_file import Role, UsersError

TIMEOUT_S = 5.0
MOST_GROUPS = 1000

log = logging.getLogger(__name__)


class DirectoryError(UsersError):
    """The directory cannot be asked."""

    def __init__(self, why: str) -> None:
        super().__init__(f"sign-in by LDAP: {why}", reason="directory_gone")
        log.warning("%s", self)


class Directory:
    """Asks one directory. Raises SetupError where the settings cannot be used."""

    def __init__(self, settings: LdapSettings) -> None:
        self.settings = settings
        if find_spec("ldap") is None:
            raise SetupError(
                "sign_in.ldap: python-ldap is not installed; pip install 'inspection[ldap]' "
                "(it is compiled: gcc, libldap-dev and libsasl2-dev first)"
            )

    def person(self, name: str, password: str) -> Person | None:
        """Who this is; None where name and password do not fit. Raises DirectoryError, UsersError."""
        import ldap
        from ldap.dn import escape_dn_chars

        # A bind without a password is one without a person, and succeeds.
        if not password or not name or not _sendable(name + password):
            return None
        try:
            connection = self._connection()
            try:
                dn = self.settings.user_dn.replace("{name}", escape_dn_chars(name))
                connection.simple_bind_s(dn, password)
                return self._found(connection, name)
            except (ldap.INVALID_CREDENTIALS, ldap.INVALID_DN_SYNTAX, ldap.NO_SUCH_OBJECT):
                return None
            finally:
                connection.unbind_s()
        except ldap.LDAPError as error:
            raise DirectoryError(f"{self.settings.url}: {_why(error)}") from error
        except ValueError as error:  # such as a name in its answer that is no text
            raise DirectoryError(f"{self.settings.url}: {in_words(error)}") from error

    def _found(self, connection: Any, name: str) -> Person:
        from ldap.filter import escape_filter_chars

        where = self.settings.user_filter.replace("{name}", escape_filter_chars(name))
        attributes = [self.settings.name_attribute, self.settings.groups_attribute]
        found = self._search(connection, where, attributes)
        if len(found) != 1:
            raise DirectoryError(f"{where[:200]!r} finds {len(found)} people, and must find one")
        ((dn, entry),) = found
        names = entry.get(self.settings.name_attribute, [])
        groups = set(entry.get(self.settings.groups_attribute, []))
        if self.settings.group_filter:
            where = self.settings.group_filter.replace("{dn}", escape_filter_chars(dn))
            rows = self._search(connection, where, ["cn"])
            groups |= {group for group, _ in rows} | {
                cn for _, row in rows for cn in row.get("cn", [])
            }
        role = role_of(groups, self.settings.roles)
        if role is None:
            raise UsersError(f"user {name[:64]!r} has no role here", reason="oidc_no_role")
        return Person(name=names[0] if names else name, role=Role(role), subject=dn.casefold())

    def _search(
        self, connection: Any, where: str, attributes: list[str]
    ) -> list[tuple[str, dict[str, list[str]]]]:
        import ldap

        rows = connection.search_ext_s(
            self.settings.base, ldap.SCOPE_SUBTREE, where, attributes, timeout=TIMEOUT_S,
            sizelimit=MOST_GROUPS,
        )  # fmt: skip
        # Rows without a name point to other servers.
        return [
            (
                dn,
                {
                    key: [v.decode("utf-8", "replace") for v in values]
                    for key, values in row.items()
                },
            )
            for dn, row in rows
            if dn is not None
        ]

    def _connection(self) -> Any:
        import ldap

        connection = ldap.initialize(self.settings.url, bytes_mode=None)
        for option, value in (
            (ldap.OPT_PROTOCOL_VERSION, 3),
            (ldap.OPT_REFERRALS, 0),
            (ldap.OPT_NETWORK_TIMEOUT, TIMEOUT_S),
            (ldap.OPT_TIMEOUT, TIMEOUT_S),
            (ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND),
        ):
            connection.set_option(option, value)
        if self.settings.ca_file is not None:
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(self.settings.ca_file))
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if self.settings.start_tls:
            connection.start_tls_s()
        return connection


def _sendable(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _why(error: Any) -> str:
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    return str(told.get("info") or told.get("desc") or type(error).__name__)[:200]
