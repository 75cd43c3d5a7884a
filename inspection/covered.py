"""Secrets within texts covered before anything is shown: who signs in with what in an address."""

from __future__ import annotations

import re

COVER = "••••••"
SECRET_NAMES = (
    "password|passwd|passphrase|pwd|secret|token|key|credential|authorization|auth|cookie"
)
_IN_ADDRESS = re.compile(r"(\w+://)[^\s\"'/]*(?:/[^\s\"'@]*)?@")
_IN_QUERY = re.compile(rf"([?&;][\w-]*(?:{SECRET_NAMES})s?=)[^&;\s\"']+", re.IGNORECASE)


def covered_text(text: str) -> str:
    """Cover who signs in with what within addresses: rtsp://name:word@host, ?token=…."""
    return _IN_QUERY.sub(rf"\1{COVER}", _IN_ADDRESS.sub(rf"\1{COVER}@", text))
