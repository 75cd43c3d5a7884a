"""How many files and connections a process may have open."""

from __future__ import annotations

WANTED = 16_384
ENOUGH = 4096
"""Ports of a station, its files and its cameras need a few hundred; a page with many browsers more."""


def raise_limit() -> int | None:
    """Raise the limit as far as we may and want; give what it is then, None where there is none."""
    limits = _limits()
    if limits is None:
        return None
    import resource

    soft, hard = limits
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def hard_limit() -> int | None:
    """The most this process may ever have, None where there is no limit."""
    limits = _limits()
    return None if limits is None else limits[1]


def _limits() -> tuple[int, int] | None:
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else (soft, hard)
