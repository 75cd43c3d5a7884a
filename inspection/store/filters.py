"""Which parts are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from inspection.judgement import Verdict
from inspection.store.records import clean, time_text
from inspection.store.schema import parts


def matching(
    *,
    verdict: Verdict | str | None = None,
    lot: str | None = None,
    serial: str | None = None,
    station: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[ColumnElement[bool]]:
    """Give the conditions; None asks for nothing."""
    column = parts.c
    asked = {
        column.verdict: None if verdict is None else Verdict(verdict).value,
        column.lot: clean(lot),
        column.serial: clean(serial),
        column.station: clean(station),
    }
    where = [name == value for name, value in asked.items() if value is not None]
    if since is not None:
        where.append(column.judged_at >= time_text(since))
    if until is not None:
        where.append(column.judged_at < time_text(until))
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
