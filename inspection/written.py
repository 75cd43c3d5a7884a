"""How figures are written for people, alike on pages and in reports, in every language."""

from __future__ import annotations


def percent(share: float) -> str:
    """A share of 0 to 1 with a decimal; two below 1 %."""
    return f"{100 * share:.2f} %" if 0 < share < 0.01 else f"{100 * share:.1f} %"


def percents(low: float, high: float) -> str:
    """The two ends of an interval of shares, in whole percents."""
    return f"{100 * low:.0f}–{100 * high:.0f} %"
