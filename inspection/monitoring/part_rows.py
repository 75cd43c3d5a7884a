"""Parts as rows of numbers and texts, from a record or from a table in CSV."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from inspection.judgement import Verdict
from inspection.monitoring.errors import MonitorError
from inspection.outside import Refused, read_file, read_json
from inspection.spreadsheet import csv_rows
from models.sequence.base import CYCLE_TIME

if TYPE_CHECKING:
    from inspection.store import PartRecord

LARGEST_TABLE, LARGEST_CELL = 1 << 30, 1 << 16
LARGEST_NUMBER = 2**53
SHIFTS = ("06:00", "14:00", "22:00")
NO_MEASURE = frozenset({"number", "p_value", "threshold", "format"})
"""Numbers of an exported record that are about its limits, not about the part."""
NUMBER, VERDICT, PICTURE, HEALTH = "number", "verdict", "image_sha256", "health"
PROCESS = "process"
"""Column of what the line said of a part; the name of each value has it in front: process_torque."""
TIMES = ("captured_at", "judged_at", "timestamp", "time")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One part: its number, when it was seen, whether it counts as good, and what is known of it."""

    number: int
    at: datetime | None
    good: bool
    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    picture: str = ""
    part_id: str | None = None


class RecordRows:
    """Makes rows of recorded parts, one after the other: the cycle time is from each to the next."""

    def __init__(self, shifts: Sequence[str] = SHIFTS) -> None:
        self.shifts = shifts
        self._before: datetime | None = None

    def row(self, record: PartRecord) -> PartRow:
        """Take the next part of the record."""
        at = record.captured_at or record.judged_at
        process, said = _process(record.process)
        numbers = {"score": _number(record.score), **record.health, **process}
        if self._before is not None:
            numbers[CYCLE_TIME] = (at - self._before).total_seconds()
        self._before = at
        texts = {
            "lot": record.lot,
            "product": record.product,
            "recipe": record.recipe_id,
            "station": record.station,
            "source": record.source,
            "shift": shift_of(at, self.shifts),
        }
        return PartRow(
            number=record.number,
            at=at,
            good=record.verdict is Verdict.PASS,
            numbers=numbers,
            texts={name: text or "" for name, text in texts.items()} | said,
            picture=record.image_sha256 or "",
            part_id=record.part_id,
        )


def rows_of_table(path: Path, shifts: Sequence[str] = SHIFTS) -> Iterator[PartRow]:
    """Read a table in CSV with a head, such as `inspection records export` writes, in its order.

    Columns of numbers are numbers, all others texts. Raises MonitorError.
    """
    try:
        text = read_file(path, most_bytes=LARGEST_TABLE).decode("utf-8-sig")
        head, *rows = csv_rows(text) or [[]]
    except FileNotFoundError:
        raise MonitorError(f"table {path}: no such file") from None
    except (OSError, Refused, ValueError) as error:
        raise MonitorError(f"table {path}: {error}") from error
    if len(set(head)) < len(head) or not head:
        raise MonitorError(f"table {path}: its first line must name each column, each once")
    before: datetime | None = None
    for line, cells in enumerate(rows, start=2):
        if len(cells) != len(head):
            raise MonitorError(
                f"table {path}: line {line} has {len(cells)} cells, its head {len(head)}; mend the file"
            )
        row = _table_row(dict(zip(head, cells, strict=True)), line - 1, before, shifts)
        before = row.at
        yield row


def shift_of(at: datetime, shifts: Sequence[str]) -> str:
    """The beginning of the shift a moment lies in, by local time."""
    starts = sorted(time.fromisoformat(each) for each in shifts)
    now = at.astimezone().time()
    begun = [each for each in starts if each <= now]
    return f"{(begun or starts)[-1]:%H:%M}"


def _table_row(
    cells: Mapping[str, str], place: int, before: datetime | None, shifts: Sequence[str]
) -> PartRow:
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
    for name, cell in cells.items():
        if name == HEALTH and cell.startswith("{"):
            numbers |= _health(cell)
        elif name == PROCESS and cell.startswith("{"):
            measured, said = _process(_object(cell))
            numbers, texts = numbers | measured, texts | said
        elif name not in NO_MEASURE and (value := _read(cell)) is not None:
            numbers[name] = value
            texts[name] = cell
        else:
            texts[name] = cell
    at = next((_moment(cells[name]) for name in TIMES if cells.get(name)), None)
    if at is not None:
        texts.setdefault("shift", shift_of(at, shifts))
        if before is not None:
            numbers.setdefault(CYCLE_TIME, (at - before).total_seconds())
    if "recipe_id" in texts:
        texts.setdefault("recipe", texts["recipe_id"])
    number = _read(cells.get(NUMBER, ""))
    return PartRow(
        number=place if number is None or abs(number) > LARGEST_NUMBER else int(number),
        at=at,
        good=cells.get(VERDICT, Verdict.PASS.value) == Verdict.PASS.value,
        numbers=numbers,
        texts=texts,
        picture=cells.get(PICTURE, ""),
    )


def in_order(rows: Iterable[PartRow], most: int) -> Iterator[list[PartRow]]:
    """Rows in lists of at most so many."""
    some: list[PartRow] = []
    for row in rows:
        some.append(row)
        if len(some) == most:
            yield some
            some = []
    if some:
        yield some


def _health(cell: str) -> dict[str, float]:
    numbers = {name: _read(str(value)) for name, value in _object(cell).items()}
    return {name: value for name, value in numbers.items() if value is not None}


def _process(values: Mapping[str, object]) -> tuple[dict[str, float], dict[str, str]]:
    """What the line said of a part: numbers to watch, and texts that tell what it is compared with."""
    named = {f"{PROCESS}_{name}": value for name, value in values.items()}
    numbers = {n: float(v) for n, v in named.items() if isinstance(v, int | float)}
    return numbers, {name: text for name, text in named.items() if isinstance(text, str)}


def _object(cell: str) -> dict[str, object]:
    try:
        found = read_json(cell.encode(), most_bytes=LARGEST_CELL)
    except Refused:
        return {}
    return found if isinstance(found, dict) else {}


def _read(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _moment(cell: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(cell)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        at.astimezone()
    except (ValueError, OverflowError):  # a year no clock here knows
        return None
    return at


def _number(value: float | None) -> float:
    return math.nan if value is None else value
