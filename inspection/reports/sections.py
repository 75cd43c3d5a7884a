"""A report in the words of a language: sections that a page of HTML and one of PDF both show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inspection.judgement import Verdict
from inspection.labels.confusion import Share
from inspection.labels.labels import Truth
from inspection.reports.pareto import Bar, pareto
from inspection.reports.pictures import RejectPicture
from inspection.reports.report import Measured, RecipeUsed, Report
from inspection.store.filters import PartFilter, Prefix
from inspection.words import Words
from inspection.written import percent

SHOWN = 12
MOST_LOTS = 12
ABREAST = 4
"""So many recipes stand in one table."""
MOST_CAUSES = 12
SHARES = frozenset({"saturated_share"})
"""Measures of health that are shares of 0 to 1."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; cells of the first column stand left, all others right."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Pareto:
    """Bars from the most frequent on, with the line of what they come to together; a table of it follows."""

    title: str
    table: Table
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures, each with lines below it."""

    title: str
    note: str
    items: Sequence[tuple[RejectPicture, tuple[str, ...]]]


Section = Table | Pareto | Text | Gallery


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """A whole report: the facts of its cover, and what follows."""

    language: str
    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    page: Callable[[int, int], str]
    """The words at the foot of a page: its number, of how many."""
    no_picture: str


def sections_of(report: Report, language: str, words: Words) -> Sheets:
    """Say a report in a language."""
    return _Speaker(report, language, words).sheets()


class _Speaker:
    def __init__(self, report: Report, language: str, words: Words) -> None:
        self.report, self.language, self.words = report, language, words

    def say(self, name: str, **values: object) -> str:
        return self.words.say(f"report.{name}", self.language, **values)

    def sheets(self) -> Sheets:
        return Sheets(
            language=self.language,
            title=f"{self.say('title')} · {self.report.station}",
            facts=list(self._facts()),
            sections=list(self._sections()),
            page=lambda page, pages: self.say("page", page=page, pages=pages),
            no_picture=self.say("no_picture"),
        )

    def _facts(self) -> Iterator[tuple[str, str]]:
        report = self.report
        yield self.say("station"), report.station
        yield self.say("asked_time"), self._span(report.asked.since, report.asked.until)
        yield from self._asked(report.asked)
        if report.asked.lot is None and report.lots:
            yield self.say("lots"), self._lots()
        numbers = {"first": report.first.number, "last": report.last.number}
        yield self.say("parts"), self.say("parts_of", parts=report.parts, **numbers)
        times = {"since": when(report.first.judged_at), "until": when(report.last.judged_at)}
        yield self.say("judged"), self.say("from_until", **times)
        passed = report.verdicts[Verdict.PASS]
        share = percent(report.yield_share)
        yield (
            self.say("yield"),
            self.say("yield_of", share=share, passed=passed, parts=report.judged),
        )
        if report.outside_yield:
            yield (
                self.say("outside_yield"),
                self.say("outside_yield_of", parts=report.outside_yield),
            )
        yield self.say("record"), self._record()
        yield self.say("made"), when(report.made_at, zone=True)

    def _asked(self, asked: PartFilter) -> Iterator[tuple[str, str]]:
        texts = {
            "lot": asked.lot, "product": asked.product, "recipe": asked.recipe_id,
            "serial": asked.serial, "zone": asked.zone, "reason": asked.reason,
        }  # fmt: skip
        for name, value in texts.items():
            if isinstance(value, Prefix):
                yield self.say(name), self.say("begins", text=value.text)
            elif value is not None:
                yield self.say(name), value
        if asked.verdict is not None:
            yield self.say("verdict"), self.say(f"verdict_{asked.verdict.value}")

    def _lots(self) -> str:
        lots = self.report.lots
        text = ", ".join(lots[:MOST_LOTS])
        more = len(lots) - MOST_LOTS
        return self.say("more_lots", lots=text, count=more) if more > 0 else text

    def _span(self, since: datetime | None, until: datetime | None) -> str:
        if since is not None and until is not None:
            return self.say("from_until", since=when(since), until=when(until))
        if since is not None:
            return self.say("from", since=when(since))
        return self.say("any_time") if until is None else self.say("until", until=when(until))

    def _record(self) -> str:
        head, faults = self.report.head, self.report.faults
        if faults:
            return self.say("faulty", faults=len(faults), first=faults[0])
        key = "not_verified" if faults is None else "verified"
        return self.say(key, count=head.count, hash=head.hash[:16])

    def _sections(self) -> Iterator[Section]:
        report = self.report
        yield self._verdicts()
        yield self._over_time()
        if report.rejects:
            names = {code: self._cause(code) for code in report.causes}
            yield self._pareto("causes", "cause", report.causes, names)
        if set(report.zones) - {""}:
            names = {zone: zone or self.say("no_zone") for zone in report.zones}
            yield self._counted("zones", "zone", report.zones, names)
        if report.rejects:
            yield self._pareto("operators", "reason", report.reasons, self._reasons())
        if report.disagreed:
            yield Text(self.say("disagreed", count=report.disagreed))
        yield from self._labels()
        yield from self._recipes()
        yield from self._health()
        if report.pictures:
            yield self._pictures()

    def _verdicts(self) -> Table:
        rows = [
            (self.say(f"verdict_{verdict.value}"), f"{count}", percent(count / self.report.parts))
            for verdict, count in self.report.verdicts.items()
        ]
        if without := self.report.outside_yield:
            share = percent(without / self.report.parts)
            rows.append((self.say("outside_yield"), f"{without}", share))
        return Table(self.say("verdicts"), self._heads("verdict", "parts", "share"), rows)

    def _over_time(self) -> Table:
        report = self.report
        title = self.say("over_time_day" if report.by_day else "over_time_hour")
        rows = [
            (
                f"{begin:%Y-%m-%d}" if report.by_day else f"{begin:%Y-%m-%d %H:%M}",
                f"{parts}", f"{passed}", percent(passed / parts),
            )
            for begin, parts, passed in report.periods
        ]  # fmt: skip
        return Table(title, self._heads("when", "parts", "passed", "yield"), rows)

    def _cause(self, code: str) -> str:
        if code in ("at_fault", "just_above"):
            return self.say(f"cause_{code}")
        key = f"causes.{code}"
        return self.words.say(key, self.language) if key in self.words.keys else code

    def _reasons(self) -> Mapping[str, str]:
        keys = self.words.keys
        return {
            reason: self.say("not_acknowledged")
            if not reason
            else self.words.say(f"acknowledged.{reason}", self.language)
            if f"acknowledged.{reason}" in keys
            else reason
            for reason in self.report.reasons
        }

    def _pareto(
        self, title: str, head: str, counts: Mapping[str, int], names: Mapping[str, str]
    ) -> Pareto:
        bars = [replace(bar, name=names[bar.name]) for bar in pareto(counts, most=MOST_CAUSES)]
        return Pareto(self.say(title), self._table("", head, counts, bars), bars)

    def _counted(
        self, title: str, head: str, counts: Mapping[str, int], names: Mapping[str, str]
    ) -> Table:
        bars = [replace(bar, name=names[bar.name]) for bar in pareto(counts, most=MOST_CAUSES)]
        return self._table(self.say(title), head, counts, bars)

    def _table(
        self, title: str, head: str, counts: Mapping[str, int], bars: Sequence[Bar]
    ) -> Table:
        total = sum(counts.values())
        rows = [
            (bar.name, f"{bar.count}", percent(bar.count / total), percent(bar.summed))
            for bar in bars
        ]
        return Table(title, self._heads(head, "parts", "share", "summed"), rows)

    def _labels(self) -> Iterator[Section]:
        report = self.report
        if not sum(report.truths.values()):
            yield Text(self.say("unknown_rates"))
            return
        counts = {each: report.truths.get(each, 0) for each in Truth}
        counts[Truth.NOTHING] = report.parts - sum(report.truths.values())
        rows = [
            (
                self.say(f"label_{each.name}"),
                f"{counts[each]}",
                percent(counts[each] / report.parts),
            )
            for each in (Truth.OK, Truth.NG, Truth.DISPUTED, Truth.NOTHING)
        ]
        yield Table(self.say("labels"), self._heads("label", "parts", "share"), rows)
        shares = {"escapes": report.escapes, "overkill": report.overkill}
        rates = [self._rate(name, share) for name, share in shares.items()]
        yield Table(self.say("rates"), ("", *self._heads("parts", "share", "interval")), rates)
        yield Text(self.say("rates_caveat"))
        if report.defects:
            names = {each: each or self.say("no_type") for each in report.defects}
            yield self._counted("defects", "defect", report.defects, names)

    def _rate(self, name: str, share: Share) -> tuple[str, ...]:
        if share.ci95 is None:
            return self.say(name), "–", "–", "–"
        low, high = share.ci95
        count = self.say("count_of", count=share.count, of=share.of)
        interval = self.say("between", least=percent(low), most=percent(high))
        return self.say(name), count, percent(share.count / share.of), interval

    def _recipes(self) -> Iterator[Table]:
        """A column for each recipe, a few in a table."""
        names = self._heads(
            "product",
            "parts",
            "pass_limit",
            "fail_limit",
            "good",
            "promised",
            "estimated",
            "released",
        )
        recipes = self.report.recipes
        for start in range(0, len(recipes), ABREAST):
            ids, *columns = zip(
                *(self._recipe(each) for each in recipes[start : start + ABREAST]), strict=True
            )
            rows = [(name, *values) for name, values in zip(names, columns, strict=True)]
            yield Table(self.say("recipes"), (self.say("recipe"), *ids), rows)

    def _recipe(self, used: RecipeUsed) -> tuple[str, ...]:
        calibration = None if used.recipe is None else used.recipe.settings.calibration
        limit = used.threshold if calibration is None else calibration.threshold
        released = ""
        if used.released is not None:
            who, at = used.released
            released = self.say("released_by", who=who, at=when(at))
        first = (
            used.recipe_id[:SHOWN] or self.say("no_recipe"), used.product or "–", f"{used.parts}",
            "–" if limit is None else number(limit),
        )  # fmt: skip
        if calibration is None:
            return *first, "–", "–", "–", "–", released or "–"
        promise = self.say(
            "promise_of",
            promised=percent(calibration.false_reject_promised),
            bound=percent(calibration.false_reject_bound),
        )
        estimated = calibration.review_estimated
        return (
            *first,
            number(calibration.fail_threshold),
            f"{calibration.n_good}",
            promise,
            "–" if estimated is None else percent(estimated),
            released or "–",
        )

    def _health(self) -> Iterator[Section]:
        heads = self._heads("measure", "low", "median", "p95", "high", "allowed")
        for title, prefix, found in (
            ("health", "health", self.report.health),
            ("latency", "latency", self.report.latency_ms),
        ):
            if found:
                rows = [self._measure(prefix, each) for each in found]
                yield Table(self.say(title), heads, rows)

    def _measure(self, prefix: str, found: Measured) -> tuple[str, ...]:
        key = f"report.{prefix}_{found.name}"
        name = self.words.say(key, self.language) if key in self.words.keys else found.name
        values = (found.low, found.median, found.p95, found.high)
        form = _form_of(found)
        return name, *(form(each) for each in values), self._allowed(found)

    def _allowed(self, found: Measured) -> str:
        form = _form_of(found)
        least = None if found.least is None else form(found.least)
        most = None if found.most is None else form(found.most)
        if least is not None and most is not None:
            return self.say("between", least=least, most=most)
        if least is not None:
            return self.say("at_least", least=least)
        return "–" if most is None else self.say("at_most", most=most)

    def _pictures(self) -> Gallery:
        shown = self.report.pictures
        note = self.say("some_pictures", shown=len(shown), rejects=self.report.rejects)
        items = [(each, tuple(self._caption(each))) for each in shown]
        return Gallery(self.say("pictures"), note, items)

    def _caption(self, picture: RejectPicture) -> Iterator[str]:
        record = picture.record
        verdict = self.say(f"verdict_{record.verdict.value}")
        yield f"{self.say('number', number=record.number)} · {verdict} · {self._cause(record.cause.code)}"
        more = [when(record.judged_at)]
        if record.lot is not None:
            more.append(self.say("lot_of", lot=record.lot))
        if record.serial is not None:
            more.append(self.say("serial_of", serial=record.serial))
        yield " · ".join(more)
        if record.score is not None and record.threshold is not None:
            score, limit = number(record.score), number(record.threshold)
            yield self.say("score_of", score=score, limit=limit)

    def _heads(self, *names: str) -> tuple[str, ...]:
        return tuple(self.say(name) for name in names)


def when(moment: datetime, *, zone: bool = False) -> str:
    """A moment in this machine's time."""
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M}{f' (UTC{local:%z})' if zone else ''}"


def _form_of(found: Measured) -> Callable[[float], str]:
    return percent if found.name in SHARES else number


def number(value: float) -> str:
    """A number with three digits that count."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
