"""What the gallery does: show parts, choose several, and say of all of them at once what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import gradio as gr

from inspection.judgement import Verdict
from inspection.labels.defect_types import Defects
from inspection.labels.labels import NG, OK, Labels, LabelsByPart, Truth
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.labelling import label_detail, record_label
from ui.core.panel import done, request_of
from ui.core.part_choice import FIELDS, PartChoice
from ui.core.wording import Wording
from ui.live.station_client import Refused
from ui.pages.gallery.dataset import (
    LABELS,
    SORTS,
    Entry,
    entries,
    large,
    page_of,
    pages_of,
    thumbnail,
)

WHICH = (*FIELDS, "verdicts", "label", "defect", "sort", "page")
"""What a handler is given of the choice, in this order."""
MOST_CHOSEN = 200
AT_ONCE = 2
IGNORE, BACK = "ignore", "back"
LABEL_OF = {"good": OK, "bad": NG, IGNORE: IGNORE, BACK: BACK}
"""What each button says of the chosen parts; BACK takes back what one said oneself."""


class Handlers:
    """Each public method answers an event; `chosen` are ids of parts, kept by the browser's session."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice
        self.labels, self.defects = Labels(), Defects(context.folder)

    async def open(self, event: gr.Request) -> list[Any]:
        """What may be chosen."""
        language = request_of(event).scope["language"]
        say = partial(self.context.words.say, language=language)
        types = await asyncio.to_thread(self.defects.list)
        verdicts = [(say(f"report.verdict_{each.value}"), each.value) for each in Verdict]
        return [
            *await self.choice.fill(language),
            gr.update(choices=verdicts, value=[]),
            gr.update(
                choices=[(say(f"gallery.label_{each}"), each) for each in LABELS],
                value=next(iter(LABELS)),
            ),
            gr.update(choices=list(types), value=None),
            gr.update(
                choices=[(say(f"gallery.sort_{each}"), each) for each in SORTS],
                value=next(iter(SORTS)),
            ),
            gr.update(choices=list(types), value=None),
        ]

    async def show(self, event: gr.Request, chosen: list[str], *which: Any) -> list[Any]:
        """The page of parts, how many there are in all, and how many are chosen."""
        found = await self._found(which)
        return await self._shown(found, chosen, which, request_of(event).scope["language"])

    async def toggle(
        self, event: gr.Request, selected: gr.SelectData, chosen: list[str], *which: Any
    ) -> list[Any]:
        """Choose the part that was clicked, or let it go; show it large beside."""
        language = request_of(event).scope["language"]
        found = await self._found(which)
        page = page_of(found, int(which[-1]))
        place = int(selected.index)
        if place >= len(page):
            return [*await self._shown(found, chosen, which, language), None, ""]
        entry = page[place]
        kept = [each for each in chosen if each != entry.part_id]
        chosen = kept if len(kept) < len(chosen) else [*chosen, entry.part_id][-MOST_CHOSEN:]
        wording = Wording(self.context.words, language, request_of(event).cookies.get("zone"))
        picture, text = await asyncio.to_thread(self._large, entry, wording)
        return [*await self._shown(found, chosen, which, language), picture, text]

    async def all(self, event: gr.Request, chosen: list[str], *which: Any) -> list[Any]:
        """Choose every part of this page, too."""
        found = await self._found(which)
        more = [each.part_id for each in page_of(found, int(which[-1]))]
        chosen = list(dict.fromkeys([*chosen, *more]))[-MOST_CHOSEN:]
        return await self._shown(found, chosen, which, request_of(event).scope["language"])

    async def none(self, event: gr.Request, *which: Any) -> list[Any]:
        """Choose none."""
        return await self.show(event, [], *which)

    async def label(
        self,
        event: gr.Request,
        chosen: list[str],
        said: str | None,
        defect: str | None,
        *which: Any,
    ) -> list[Any]:
        """Say of all chosen parts what they are, each an event in the record; then none is chosen."""
        request = request_of(event)
        language = request.scope["language"]

        async def recorded() -> None:
            if not chosen:
                raise Refuse(self.context.words.say("gallery.none_chosen", language))
            what = said if said in (OK, NG) else None
            detail = label_detail(self.defects, what, (defect or None) if what == NG else None)
            if said == IGNORE:
                detail["ignore"] = True
            for place, part_id in enumerate(chosen):
                try:
                    await record_label(self.context, request, part_id, detail)
                except (Refused, Refuse) as error:
                    values = {"done": place, "of": len(chosen), "error": error}
                    text = self.context.words.say("gallery.not_all", language, **values)
                    raise Refuse(text, status=503) from error

        await done(recorded)
        return await self.show(event, [], *which)

    async def _found(self, which: Sequence[Any]) -> list[Entry]:
        asked = dict(zip(WHICH, which, strict=True))

        async def read() -> list[Entry]:
            parts = self.choice.parts(asked)
            labels: LabelsByPart = await asyncio.to_thread(self.labels.read, self.context.store)
            return await asyncio.to_thread(
                entries, self.context.store, parts, labels, verdicts=asked["verdicts"] or (),
                label=asked["label"] or "any", defect=asked["defect"], sort=asked["sort"] or "score_down",
            )  # fmt: skip

        return await done(read)

    async def _shown(
        self, found: list[Entry], chosen: list[str], which: Sequence[Any], language: str
    ) -> list[Any]:
        page = page_of(found, int(which[-1] or 1))
        marked = set(chosen)

        def pictures() -> list[tuple[Any, str]]:
            with ThreadPoolExecutor(AT_ONCE) as threads:
                made = threads.map(
                    lambda each: thumbnail(self.context.store, each, chosen=each.part_id in marked),
                    page,
                )
                captions = (self._caption(each, each.part_id in marked, language) for each in page)
                return list(zip(made, captions, strict=True))

        values = {"parts": len(found), "chosen": len(chosen), "pages": pages_of(found)}
        return [
            chosen,
            gr.update(value=await asyncio.to_thread(pictures), selected_index=None),
            gr.update(maximum=pages_of(found)),
            self.context.words.say("gallery.told", language, **values),
        ]

    def _caption(self, entry: Entry, chosen: bool, language: str) -> str:
        """Short, for a small picture: score, what people say, then number and verdict."""
        verdict = self.context.words.say(f"report.verdict_{entry.verdict.value}", language)
        said = {Truth.NOTHING: "", Truth.DISPUTED: "?"}.get(entry.truth, entry.truth.name)
        score = "–" if entry.score is None else f"{entry.score:.3g}"
        marks = (
            f"{'✓ ' if chosen else ''}{'⊘ ' if entry.ignored else ''}{'⚠ ' if entry.odd else ''}"
        )
        text = " ".join(each for each in (score, said, entry.defect or "") if each)
        return f"{marks}{text} · {verdict} · {entry.number}"

    def _large(self, entry: Entry, wording: Wording) -> tuple[Any, str]:
        record = self.context.store.part(entry.part_id)
        if record is None:
            return None, ""
        caption = self._caption(entry, False, wording.language)
        more = [text for text in (record.lot, record.serial) if text]
        moment = wording.moment(record.judged_at)
        return large(self.context.store, record), " · ".join([caption, moment, *more])
