"""Which parts of the record: one filter for every list, count, export, page and command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.store.records import clean, time_text
from inspection.store.schema import parts


class FilterError(InspectionError):
    """A filter was given a value it cannot have; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Prefix:
    """All texts that begin with `text`; people write it with a `*` at the end."""

    text: str


Text = str | Prefix | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFilter:
    """Which parts; None: do not filter by this field. `since` <= judged_at < `until`.

    `zone`: the part has a region at fault there. Raises ValueError for an unknown verdict or a time
    without a zone.
    """

    lot: Text = None
    serial: Text = None
    product: Text = None
    recipe_id: Text = None
    station: Text = None
    reason: Text = None
    zone: str | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    number: int | None = None
    part_id: str | None = None

    def __post_init__(self) -> None:
        if self.verdict is not None:
            object.__setattr__(self, "verdict", Verdict(self.verdict))
        for moment in (self.since, self.until):
            if moment is not None:
                time_text(moment)

    def as_json(self) -> dict[str, Any]:
        """Plain data without what is None; `part_filter_from_json` reads it back."""
        filled = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: _plain(value) for name, value in filled.items() if value is not None}


ALL_PARTS = PartFilter()
TEXTS = ("lot", "serial", "product", "recipe_id", "station", "reason")
"""The fields that take a beginning, such as `lot*`."""


def read_filter(part_filter: Mapping[str, Any]) -> PartFilter:
    """Read what a person typed, by the field's name; `recipe` is short for `recipe_id`.

    Blanks around a text do not count; nothing left, or None: do not filter by this field. A time is a
    datetime or ISO text, UTC without a zone. Raises FilterError.
    """
    given = {
        "recipe_id" if name == "recipe" else name: value for name, value in part_filter.items()
    }
    known = {each.name for each in fields(PartFilter)}
    if unknown := sorted(given.keys() - known):
        raise FilterError(
            unknown[0],
            f"filter: unknown {unknown[0]!r}; known are "
            f"{', '.join(each.name for each in fields(PartFilter))}",
        )
    return PartFilter(**{name: _read(name, value) for name, value in given.items()})


def part_filter_from_json(content: Mapping[str, Any]) -> PartFilter:
    """Read a filter from `PartFilter.as_json`."""
    values: dict[str, Any] = {
        name: Prefix(value["begins"]) if isinstance(value, dict) else value
        for name, value in content.items()
    }
    for name in ("since", "until"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return PartFilter(**values)


def conditions(part_filter: PartFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL conditions on the table of parts."""
    column = parts.c
    where: list[ColumnElement[bool]] = []
    for name in TEXTS:
        where += _text(column[name], getattr(part_filter, name))
    exact = {column.number: part_filter.number, column.part_id: clean(part_filter.part_id)}
    where += [name == value for name, value in exact.items() if value is not None]
    if part_filter.verdict is not None:
        where.append(column.verdict == part_filter.verdict.value)
    if part_filter.zone is not None:
        where += [
            column.regions != "[]",
            _AtFault(column.regions, bindparam(None, part_filter.zone)),
        ]
    if part_filter.since is not None:
        where.append(column.judged_at >= time_text(part_filter.since))
    if part_filter.until is not None:
        where.append(column.judged_at < time_text(part_filter.until))
    return where


def page(
    where: Sequence[ColumnElement[bool]],
    *,
    after_number: int | None,
    limit: int,
    newest_first: bool,
) -> Select[Any]:
    """Ask for one page in the order of numbers, beginning after one of them."""
    number = parts.c.number
    order = number.desc() if newest_first else number
    numbers = select(number).where(*where).order_by(order).limit(limit)
    if after_number is not None:
        numbers = numbers.where(number < after_number if newest_first else number > after_number)
    # First the numbers, which the indices hold; sorting whole rows takes seconds for a wide span of
    # time in a million of them.
    return select(parts).where(number.in_(numbers)).order_by(order)


def _text(column: ColumnElement[str], value: Text) -> list[ColumnElement[bool]]:
    if value is None:
        return []
    if isinstance(value, str):
        return [column == clean(value)]
    begin = clean(value.text) or ""
    # As a range, which an index holds; U+10FFFF sorts after any text.
    return [column >= begin, column < begin + "\U0010ffff"]


class _AtFault(FunctionElement[bool]):
    """Whether the JSON list of regions has one in this zone that no rule accepts."""

    inherit_cache = True
    type = Boolean()
    name = "region_at_fault"


@compiles(_AtFault, "sqlite")
def _at_fault_sqlite(element: _AtFault, compiler: Any, **options: Any) -> str:
    regions, zone = (compiler.process(each, **options) for each in element.clauses)
    return (
        f"EXISTS (SELECT 1 FROM json_each({regions}) AS region WHERE "
        f"json_extract(region.value, '$.zone') = {zone} "
        "AND NOT json_extract(region.value, '$.accepted'))"
    )


@compiles(_AtFault, "postgresql")
def _at_fault_postgresql(element: _AtFault, compiler: Any, **options: Any) -> str:
    regions, zone = (compiler.process(each, **options) for each in element.clauses)
    return (
        f"EXISTS (SELECT 1 FROM json_array_elements(CAST({regions} AS json)) AS region WHERE "
        f"region.value ->> 'zone' = {zone} "
        "AND NOT CAST(region.value ->> 'accepted' AS boolean))"
    )


def _read(name: str, value: Any) -> Any:
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    if name in ("since", "until"):
        return _moment(name, value)
    if name == "verdict":
        if value not in list(Verdict):
            raise FilterError(name, f"must be one of {', '.join(Verdict)}, got {value!r}")
        return Verdict(value)
    if name == "number":
        return _number(value)
    if name in TEXTS and value.endswith("*"):
        return Prefix(value.rstrip("*"))
    return value


def _moment(name: str, value: datetime | str) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except ValueError as error:
        raise FilterError(
            name, f"must be a time such as 2026-03-05T06:00, got {value!r}"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment


def _number(value: int | str) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise FilterError("number", f"must be a part's number, got {value!r}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Prefix):
        return {"begins": value.text}
    return value.isoformat() if isinstance(value, datetime) else value
