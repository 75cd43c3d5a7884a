"""The one-time code for the first administrator: whoever reads it started the station, or may read its log."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable

from ui.security.throttle import LoginThrottle
from ui.security.users_file import TooSoon, UsersError

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""None that is taken for another."""
LENGTH = 8
LONGEST_WAIT_S = 60.0


class FirstCode:
    """Made and told when it is first needed; gone once it was used, or with the page's process."""

    def __init__(
        self, tell: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.tell = tell
        self._code: str | None = None
        self._throttle = LoginThrottle(clock, longest_s=LONGEST_WAIT_S)

    def announce(self) -> None:
        """Make the code and tell it where the station was started, unless that was done."""
        if self._code is None:
            letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
            self._code = f"{letters[: LENGTH // 2]}-{letters[LENGTH // 2 :]}"
            self.tell(self._code)

    def check(self, given: str) -> None:
        """Raise UsersError where this is not the code, and TooSoon after several that were not."""
        wait_s = self._throttle.wait_s("")
        if wait_s > 0:
            raise TooSoon(wait_s)
        if self._code is None or not hmac.compare_digest(_plain(given), _plain(self._code)):
            self._throttle.failed("")
            raise UsersError("login: not the one-time code", reason="wrong_code")

    def used(self) -> None:
        """Forget the code: it holds once."""
        self._code = None


def _plain(code: str) -> bytes:
    return code.replace("-", "").replace(" ", "").upper().encode()
