"""The report of one lot: what was judged, what was rejected and why, and whether the record holds."""

from __future__ import annotations

import html
import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspection.durable_files import replace_file
from inspection.judgement import Verdict
from inspection.reasons import OUTSIDE_YIELD
from inspection.store import Store
from inspection.store.filters import PartFilter
from inspection.store.reading.export import RecordsError, all_parts

NOT_CLAIMED = (
    "Escapes and overkill are not stated: a record of verdicts cannot know them; "
    "a labelled study can."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LotReport:
    """What the record says of one lot. `faults` are those of the whole record; empty: verified.

    `yield_share` is the share of PASS among the parts that were to be inspected (0 where there is
    none); `outside_yield` are the others, and among those that got CANNOT_INSPECT. Reasons and
    zones are those of rejects, the most frequent first; a part counts once for each zone it has a
    region in.
    """

    lot: str
    parts: int
    verdicts: dict[str, int]
    outside_yield: int
    yield_share: float
    reasons: dict[str, int]
    zones: dict[str, int]
    first_at: datetime
    last_at: datetime
    recipes: dict[str, int]
    stations: dict[str, int]
    first_number: int
    last_number: int
    chain_count: int
    chain_hash: str
    faults: tuple[str, ...]
    pictures_read: bool
    made_at: datetime
    note: str = NOT_CLAIMED

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain data; times as text."""
        return asdict(self) | {
            "faults": list(self.faults),
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "made_at": self.made_at.isoformat(),
            "verified": not self.faults,
        }


def lot_report(store: Store, lot: str, *, pictures: bool = True) -> LotReport:
    """Read a lot and verify the record. Raises RecordsError where no part has that lot."""
    counted: dict[str, Counter[str]] = {
        name: Counter() for name in ("verdicts", "reasons", "zones", "recipes", "stations")
    }
    times, numbers, without = [], [], 0
    for record in all_parts(store, PartFilter(lot=lot)):
        counted["verdicts"][record.verdict.value] += 1
        counted["recipes"][record.recipe_id] += 1
        counted["stations"][record.station or "none"] += 1
        if record.verdict is not Verdict.PASS:
            counted["reasons"][record.reason] += 1
            counted["zones"].update({region.zone or "no zone" for region in record.regions})
        without += record.cause.code in OUTSIDE_YIELD
        times.append(record.judged_at)
        numbers.append(record.number)
    if not numbers:
        raise RecordsError(
            f"lot {lot!r}: no part of it is in the record {store.place.name}; "
            "`inspection records list` shows the lots there are"
        )
    head = store.head()
    faults = tuple(store.verify(pictures=pictures))
    verdicts = {verdict.value: counted["verdicts"][verdict.value] for verdict in Verdict}
    judged = len(numbers) - without
    return LotReport(
        lot=lot,
        parts=len(numbers),
        verdicts=verdicts,
        outside_yield=without,
        yield_share=verdicts[Verdict.PASS.value] / judged if judged else 0.0,
        reasons=dict(counted["reasons"].most_common()),
        zones=dict(counted["zones"].most_common()),
        first_at=min(times),
        last_at=max(times),
        recipes=dict(counted["recipes"].most_common()),
        stations=dict(counted["stations"].most_common()),
        first_number=numbers[0],
        last_number=numbers[-1],
        chain_count=head.count,
        chain_hash=head.hash,
        faults=faults,
        pictures_read=pictures,
        made_at=datetime.now(UTC),
    )


def write_report(report: LotReport, target: Path) -> None:
    """Write a .json or .html file. Raises RecordsError for another suffix."""
    if target.suffix.lower() == ".json":
        text = json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n"
    elif target.suffix.lower() == ".html":
        text = as_html(report)
    else:
        raise RecordsError(
            f"report {target}: unknown kind of file {target.suffix!r}; "
            "give a name that ends in .html or .json"
        )
    replace_file(target, text.encode())


def as_text(report: LotReport) -> str:
    """Write the report for a terminal."""
    lines = [f"Lot {report.lot}"]
    lines += [f"  {name:<12} {value}" for name, value in _facts(report)]
    for title, counts in _tables(report):
        lines += ["", title, *(f"  {count:>7}  {name}" for name, count in counts.items())]
    lines += ["", *(f"FAULT {fault}" for fault in report.faults), report.note]
    return "\n".join(lines)


def as_html(report: LotReport) -> str:
    """Write the report as one page that needs nothing else."""
    tables = "".join(_html_table(title, counts) for title, counts in _tables(report))
    faults = "".join(f"<li>{html.escape(fault)}</li>" for fault in report.faults)
    facts = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in _facts(report)
    )
    lot = html.escape(report.lot)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Lot {lot}</title>'
        f"<style>{_STYLE}</style><h1>Lot {lot}</h1><table>{facts}</table>"
        f"{f'<ul class=fault>{faults}</ul>' if faults else ''}{tables}"
        f"<p>{html.escape(report.note)}</p></html>\n"
    )


_STYLE = (
    "body{font:15px sans-serif;margin:2em;max-width:60em;color:#222}"
    "th{text-align:left;font-weight:600;padding-right:1em;vertical-align:top}"
    "td{padding-right:1em;overflow-wrap:anywhere}.fault{color:#a00}"
    ".bar{background:#36c;height:.8em}.wide{width:16em}"
)


def _facts(report: LotReport) -> list[tuple[str, str]]:
    what = "every row and picture" if report.pictures_read else "every row (pictures were not read)"
    state = f"verified: {what} is as it was recorded"
    if report.faults:
        state = f"NOT verified; faults in the record: {len(report.faults)}"
    return [
        ("parts", f"{report.parts} (numbers {report.first_number} to {report.last_number})"),
        ("yield", f"{report.yield_share:.2%}"),
        *(
            [("uninspected", f"{report.outside_yield} parts, not in the yield")]
            if report.outside_yield
            else []
        ),
        ("first", report.first_at.isoformat()),
        ("last", report.last_at.isoformat()),
        ("record", state),
        ("chain", f"{report.chain_count} parts, {report.chain_hash}"),
        ("made", report.made_at.isoformat(timespec="seconds")),
    ]


def _tables(report: LotReport) -> list[tuple[str, dict[str, int]]]:
    tables = [
        ("Verdicts", report.verdicts),
        ("Reasons of rejects", report.reasons),
        ("Zones of rejects", report.zones),
        ("Recipes", report.recipes),
        ("Stations", report.stations),
    ]
    return [(title, counts) for title, counts in tables if counts]


def _html_table(title: str, counts: dict[str, int]) -> str:
    total, done, rows = sum(counts.values()), 0, []
    for name, count in counts.items():
        done += count
        rows.append(
            f"<tr><td>{html.escape(name)}</td><td>{count}</td><td>{count / total:.1%}</td>"
            f'<td>{done / total:.1%}</td><td class="wide">'
            f'<div class="bar" style="width:{100 * count / total:.1f}%"></div></td></tr>'
        )
    heads = "<tr><th></th><th>parts</th><th>share</th><th>summed</th><th></th></tr>"
    return f"<h2>{html.escape(title)}</h2><table>{heads}{''.join(rows)}</table>"
