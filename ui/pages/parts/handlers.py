"""What the parts page does: find parts, and tell all that the record has of one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from inspection.judgement import Region, Verdict
from inspection.labels.defect_types import Defects
from inspection.labels.labels import NG, OK
from inspection.recipe.image_health import EMBEDDING
from inspection.store import PartEvent, PartRecord
from inspection.store.filters import PartFilter, read_filter
from inspection.store.reading.summary import page_of
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.labelling import label_detail, record_label
from ui.core.panel import Asker, Cell, asker, done, table_value
from ui.core.part_choice import FIELDS, PartChoice
from ui.core.wording import Wording
from ui.pages.parts.look import look_of
from ui.security.users import Role

SIGN = {
    Verdict.PASS: "●", Verdict.FAIL: "■", Verdict.REVIEW: "▲", Verdict.CANNOT_INSPECT: "◆",
}  # fmt: skip
ASKED = (*FIELDS, "serial", "part_id", "verdict")
COLUMNS = ("number", "verdict", "serial", "lot", "score", "judged_at", "reason")
SHOWN = 50
ADDRESS = re.compile(r"part=(\d{1,15})")
RECORDED = (
    "score", "threshold", "p_value", "serial", "lot", "product", "station", "recipe_id", "part_id",
    "trigger_id", "source", "captured_at", "judged_at", "image", "image_sha256", "previous_hash", "hash",
)  # fmt: skip
"""What the record has of every part, in the order it is shown."""
EVENTS = ("when", "who", "what", "details")
REGIONS = ("place", "zone", "type", "peak", "size", "judged")
FIELD = ("field", "value")
MARKED = "background: var(--line); color: var(--ink)"
"""The row of the part that is shown."""
LABELS = {"label_ok": OK, "label_ng": NG, "label_back": None}
"""What each button says of the part that is shown; None takes back what one said oneself."""
Ends = tuple[int, int]
"""The highest and the lowest number of a list."""


class Handlers:
    """Each public method answers an event."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice
        self.defects = Defects(context.folder)

    async def open(self, event: gr.Request) -> list[Any]:
        """What may be chosen."""
        me = asker(self.context, event, Role.ENGINEER)
        verdicts = [(_verdict(each, me.wording), each.value) for each in Verdict]
        types = await asyncio.to_thread(self.defects.list)
        return [
            *await self.choice.fill(me.language),
            gr.update(choices=[(me.say("parts.any_verdict"), ""), *verdicts], value=""),
            gr.update(
                choices=[(me.wording.said(f"review.defect_{each}", each), each) for each in types]
            ),
        ]

    async def first(self, address: str, event: gr.Request) -> int | None:
        """The number of the part that the address names, else of the newest one."""
        asker(self.context, event, Role.ENGINEER)
        if found := ADDRESS.fullmatch(address or ""):
            return int(found[1])
        return (await asyncio.to_thread(self.context.store.head)).count or None

    async def newest(self, event: gr.Request, *asked: Any) -> list[Any]:
        """The newest of the parts asked for."""
        return await self._listed(asked, event)

    async def older(self, event: gr.Request, ends: Ends, *asked: Any) -> list[Any]:
        """Those before the ones shown."""
        return await self._listed(asked, event, below=ends[1])

    async def newer(self, event: gr.Request, ends: Ends, *asked: Any) -> list[Any]:
        """Those after the ones shown."""
        return await self._listed(asked, event, above=ends[0])

    def pick(self, event: gr.SelectData) -> int:
        """The number of the part whose row was clicked."""
        return int(event.row_value[0])

    def mark(
        self, number: int | None, rows: Sequence[Sequence[Cell | str]], event: gr.Request
    ) -> dict[str, Any]:
        """The same list with the row of the part that is shown marked."""
        me = asker(self.context, event, Role.ENGINEER)
        styles = {
            place: MARKED
            for place, (at, *_) in enumerate(rows)
            if isinstance(at, Cell) and at.by == number
        }
        return table_value([me.say(f"parts.{name}") for name in COLUMNS], rows, styles)

    async def show(
        self, number: int | None, heat: bool, outlines: bool, event: gr.Request
    ) -> list[Any]:
        """All that is known of a part; one line where it is not in the record."""
        me = asker(self.context, event, Role.ENGINEER)
        found = await asyncio.to_thread(self._read, number)
        if found is None:
            text = "" if number is None else me.say("parts.no_part", part=number)
            gone = gr.update(visible=False)
            return ["", text, {}, gr.update(link=None, interactive=False), gone, gone, gone]
        record, events = found
        path = self.context.store.image_path(record)
        look = await asyncio.to_thread(
            look_of, record, path, heat=heat, outlines=outlines,
            name=me.say("parts.picture_of", number=record.number), no_heat=me.say("base.no_heat"),
        )  # fmt: skip
        full = f"/pictures/{record.part_id}/full"
        return [
            f"{_verdict(record.verdict, me.wording)} · {me.wording.reason(record.cause)}",
            "" if look else me.say("parts.no_picture"),
            look,
            gr.update(link=full if look else None, interactive=bool(look)),
            _table(EVENTS, [_event(each, me) for each in events], me),
            _table(REGIONS, [_region(n, each, me) for n, each in enumerate(record.regions, 1)], me),
            _table(FIELD, _fields(record, me.wording), me),
        ]

    async def label(
        self,
        said: str | None,
        defect: str | None,
        number: int | None,
        heat: bool,
        outlines: bool,
        event: gr.Request,
    ) -> list[Any]:
        """Say what the part that is shown is, or take back what one said of it; then show it anew."""
        me = asker(self.context, event, Role.ENGINEER)

        async def recorded() -> None:
            found = await asyncio.to_thread(self._read, number)
            if found is None:
                raise Refuse(me.say("parts.no_part", part=number or "–"), status=404)
            detail = label_detail(self.defects, said, (defect or None) if said == NG else None)
            await record_label(self.context, me.request, found[0].part_id, detail)

        await done(recorded)
        return await self.show(number, heat, outlines, event)

    async def _listed(
        self,
        values: Sequence[Any],
        event: gr.Request,
        *,
        below: int | None = None,
        above: int | None = None,
    ) -> list[Any]:
        me, asked = (
            asker(self.context, event, Role.ENGINEER),
            dict(zip(ASKED, values, strict=True)),
        )

        async def read() -> list[PartRecord]:
            which = self._which(asked)
            return await asyncio.to_thread(
                page_of, self.context.store, which, below=below, above=above, limit=SHOWN + 1
            )

        found = await done(read)
        more = len(found) > SHOWN
        shown = found[-SHOWN:] if above is not None else found[:SHOWN]
        has_older = bool(found) if above is not None else more
        has_newer = more if above is not None else below is not None
        rows = [_row(each, me.wording) for each in shown]
        ends = (shown[0].number, shown[-1].number) if shown else (0, 0)
        told = me.say("parts.found", first=ends[0], last=ends[1]) if shown else me.say("parts.none")
        return [
            _table(COLUMNS, rows, me),
            told,
            ends,
            gr.update(interactive=has_newer),
            gr.update(interactive=has_older),
            rows,
        ]

    def _which(self, asked: Mapping[str, Any]) -> PartFilter:
        """The parts asked for. Raises FilterError."""
        own = {name: str(asked[name] or "").strip() or None for name in ("serial", "part_id")}
        given = read_filter({**own, "verdict": asked["verdict"] or None})
        return replace(
            self.choice.parts(asked),
            serial=given.serial, part_id=given.part_id, verdict=given.verdict,
        )  # fmt: skip

    def _read(self, number: int | None) -> tuple[PartRecord, Sequence[PartEvent]] | None:
        if number is None:
            return None
        some = page_of(self.context.store, PartFilter(number=int(number)), limit=1)
        return (some[0], self.context.store.events(some[0].part_id)) if some else None


def _row(record: PartRecord, wording: Wording) -> list[Cell | str]:
    return [
        Cell(record.number, str(record.number)), _verdict(record.verdict, wording),
        record.serial or "–", record.lot or "–", Cell(record.score, wording.figure(record.score)),
        wording.moment(record.judged_at), wording.reason(record.cause),
    ]  # fmt: skip


def _table(heads: Sequence[str], rows: Sequence[Sequence[Cell | str]], me: Asker) -> Any:
    """A table; it is not there where it has no rows."""
    named = [me.say(f"parts.{name}") for name in heads]
    return gr.update(value=table_value(named, rows), visible=bool(rows))


def _verdict(verdict: Verdict, wording: Wording) -> str:
    return f"{SIGN[verdict]} {wording.say(f'report.verdict_{verdict.value}')}"


def _event(event: PartEvent, me: Asker) -> list[str]:
    told = {key: value for key, value in event.detail.items() if value not in (None, False)}
    return [
        me.wording.moment(event.at),
        event.who,
        me.wording.said(f"admin.kind_{event.kind.replace('-', '_')}", event.kind),
        ", ".join(f"{key}: {_plain(value)}" for key, value in told.items()),
    ]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _region(place: int, region: Region, me: Asker) -> list[Cell | str]:
    kind = me.say("parts.type_unknown") if region.label == "unknown" else region.label or ""
    peak = Cell(region.peak_score, me.wording.figure(region.peak_score))
    size = Cell(region.area_px, me.wording.area(region))
    judged = me.say("parts.accepted" if region.accepted else "parts.at_fault")
    zone = region.zone or me.say("parts.no_zone")
    return [Cell(place, str(place)), zone, kind, peak, size, judged]


def _fields(record: PartRecord, wording: Wording) -> list[list[str]]:
    rows = [
        [wording.say(f"parts.{name}"), _value(getattr(record, name), wording)] for name in RECORDED
    ]
    for name, said in record.process.items():
        rows.append([f"{wording.say('parts.process')}: {name}", _value(said, wording)])
    for name, value in record.health.items():
        rows.append([_measure(name, wording), wording.figure(value)])
    for name, value in record.latency_ms.items():
        rows.append([wording.said(f"measures.latency_{name}", name), f"{wording.figure(value)} ms"])
    for name, value in record.capture.items():
        rows.append([wording.said(f"parts.capture_{name}", name), _value(value, wording)])
    return rows


def _measure(name: str, wording: Wording) -> str:
    if name.startswith(EMBEDDING):
        return f"{wording.say('parts.embedding')} {name.removeprefix(EMBEDDING)}"
    return wording.said(f"measures.health_{name}", name)


def _value(value: Any, wording: Wording) -> str:
    if value is None:
        return "–"
    if hasattr(value, "isoformat"):
        return f"{wording.moment(value)} ({value.isoformat()})"
    return wording.figure(value) if isinstance(value, float) else _plain(value)
