"""Which passwords are taken: long enough, not the name, and none of those that are tried first."""

from __future__ import annotations

import unicodedata

from zxcvbn import zxcvbn

from ui.security.users_file import UsersError, key_of

SHORTEST, LONGEST = 10, 256
NAME_COUNTS = 3
"""A shorter name is part of too many words to be looked for in a password."""
LOOKED_AT = 72
"""zxcvbn's time grows faster than the length, and 72 characters cannot be guessed unless the first can."""
LEAST_SCORE = 3
"""Of 0 to 4: more than 10^8 guesses (Wheeler, "zxcvbn", USENIX Security 2016)."""


def check_password(name: str, password: str) -> None:
    """Raise UsersError for a password that is too short, too long, like the name or easily guessed.

    The message never has the password in it.
    """
    plain = unicodedata.normalize("NFKC", password)
    if not SHORTEST <= len(plain) <= LONGEST:
        text = (
            f"user {name!r}: the password has {len(password)} characters; take one of "
            f"{SHORTEST} to {LONGEST}"
        )
        raise UsersError(text, reason="password_length", shortest=SHORTEST, longest=LONGEST)
    key = key_of(name)
    if key == key_of(password) or (len(key) >= NAME_COUNTS and key in key_of(password)):
        text = f"user {name!r}: the name is in the password; take another password"
        raise UsersError(text, reason="password_is_name")
    if zxcvbn(plain[:LOOKED_AT], user_inputs=[key])["score"] < LEAST_SCORE:
        text = (
            f"user {name!r}: the password is among those that are tried first; take several words "
            "that have nothing to do with each other"
        )
        raise UsersError(text, reason="password_common")
