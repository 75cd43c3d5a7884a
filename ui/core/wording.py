"""How numbers, times and spans are written on panels, in a person's language and time zone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from inspection.judgement import Region
from inspection.reasons import Reason, about_px, written_apart
from inspection.written import percent, percents
from ui.words import Words

DAY_S, HOUR_S, MINUTE_S = 86400, 3600, 60


class Wording:
    """Texts of one language; moments in a time zone by name, else in that of this machine."""

    def __init__(self, words: Words, language: str, zone: str | None = None) -> None:
        self.words, self.language = words, language
        self._zone = _zone_of(zone)

    def say(self, key: str, **values: object) -> str:
        """A text of the catalogue. Raises KeyError."""
        return self.words.say(key, self.language, **values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.words.keys

    def said(self, key: str, otherwise: str) -> str:
        """A text of the catalogue, or what stands for it where there is none."""
        return self.say(key) if self.has(key) else otherwise

    def moment(self, at: datetime | str | float | None, *, seconds: bool = True) -> str:
        """A moment, also of ISO 8601 or as seconds since 1970, as its day and time here."""
        if at is None:
            return self.say("admin.not_known")
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        elif not isinstance(at, datetime):
            at = datetime.fromtimestamp(at, UTC)
        return at.astimezone(self._zone).strftime(
            "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
        )

    def duration(self, seconds: float) -> str:
        """A span of time in words, two units at most."""
        whole = max(0, int(seconds))
        d, h = whole // DAY_S, whole // HOUR_S % 24
        minutes, s = whole // MINUTE_S % 60, whole % 60
        if d:
            return self.say("admin.duration_d", d=d, h=h)
        if h:
            return self.say("admin.duration_h", h=h, min=minutes)
        if minutes:
            return self.say("admin.duration_min", min=minutes, s=s)
        return self.say("admin.duration_s", s=s)

    def number(self, value: float | None, digits: int = 0, unit: str = "") -> str:
        """A number with its thousands apart, and its unit."""
        if value is None:
            return self.say("admin.not_known")
        return f"{value:,.{digits}f} {unit}".rstrip()

    def percent(self, share: float | None) -> str:
        """A share of 0 to 1."""
        return "–" if share is None else percent(share)

    def of(self, count: int, of: int, ci95: tuple[float, float]) -> str:
        """How many of how many, with the interval of the share."""
        return f"{self.number(count)} / {self.number(of)} ({percents(*ci95)})"

    def figure(self, value: float | None) -> str:
        """A score, a limit or a measure: four digits that count."""
        if value is None or math.isnan(value):
            return "–"
        return f"{value:.4g}".replace("inf", "∞")

    def area(self, region: Region) -> str:
        """How large a place is, with no more digits than its edge is known by."""
        if region.area_mm2 is None:
            return self.say("operator.size_px", n=f"{about_px(region.area_px):,}")
        digits = ".1g" if region.area_mm2 < 1 else ".2g"
        return self.say("operator.size_mm2", n=f"{float(f'{region.area_mm2:{digits}}'):g}")

    def reason(self, cause: Reason) -> str:
        """Why a part got its verdict, as one sentence."""
        if cause.code == "other":
            return str(cause.values["text"])
        values = {
            name: f"{value:,}" if isinstance(value, int) else value
            for name, value in written_apart(cause.values).items()
        }
        why = self.say(f"reasons.{cause.key}", **values)
        return why if cause.view is None else self.say("operator.of_view", view=cause.view, why=why)

    def parity(self, found: Mapping[str, float]) -> str:
        """How far a recipe's references are from what they scored when it was learnt."""
        difference, tolerance = f"{100 * found['difference']:.4f}", f"{100 * found['tolerance']:g}"
        return self.say("admin.parity_of", difference=difference, tolerance=tolerance)


def _zone_of(name: str | None) -> tzinfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
