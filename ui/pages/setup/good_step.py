"""The third step: the good parts, and what their number allows to promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
from numpy.typing import NDArray

from cameras import IMAGE_SUFFIXES, CameraError, read_image
from inspection.errors import InspectionError
from inspection.training.good_pictures import MIN_GOOD
from ui.core.errors import checked
from ui.core.panel import notice, told
from ui.core.script import script
from ui.pages.setup import good_parts
from ui.pages.setup.asked import Asked
from ui.pages.setup.desk import Desk, Step, on
from ui.pages.setup.draft import THUMB_PX, SetupDraft
from ui.pages.setup.good_parts import OF_RECORD, Added, datasets
from ui.pages.setup.requests import FromRecord, Taking
from ui.pages.setup.result import promise
from ui.pages.setup.sentences import promise_text

PAGE, COLUMNS, LETTERS = 48, 6, 12
CHOSEN_RGB, EDGE_PX = (86, 180, 233), 10
REFUSED_SHOWN = 20


class GoodStep(Step):
    """Several are chosen by clicks, then removed at once; one of them may be the reference."""

    name = "good"
    moves = False

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        say = desk.say
        self.chosen = gr.State([])
        with gr.Row():
            with gr.Column(scale=3):
                self.counter = notice("counter", elem_classes="counter")
                self.gallery = gr.Gallery(
                    label=say("setup.good"), columns=COLUMNS, height="auto", object_fit="contain",
                    format="jpeg", allow_preview=False, interactive=False, buttons=[],
                    elem_id="good-parts", elem_classes="pictures",
                )  # fmt: skip
                with gr.Row(elem_classes="at-end"):
                    self.page = gr.Number(
                        1, precision=0, minimum=1, label=say("setup.good_page"), min_width=120,
                        elem_id="good-page",
                    )  # fmt: skip
                    self.reference = gr.Button(
                        say("setup.make_reference"), elem_id="reference", interactive=False
                    )
                    self.remove = gr.Button(
                        say("setup.remove_chosen"), elem_id="remove", interactive=False
                    )
                    self.restore = gr.Button("", elem_id="restore", visible=False)
            with gr.Column(scale=1, min_width=340):
                gr.Markdown(say("setup.good_lead"))
                self.told = notice("good-told")
                self._sources(say)
        self.shown = [
            self.chosen, self.counter, self.gallery, self.page, self.reference, self.remove,
            self.restore, self.dataset, self.add_dataset,
        ]  # fmt: skip

    def _sources(self, say: gr.I18n) -> None:
        with gr.Accordion(say("setup.good_upload"), elem_id="uploading"):
            self.files = gr.File(
                label=say("setup.good_choose"), file_count="multiple",
                file_types=list(IMAGE_SUFFIXES), show_label=False, height=120,
                elem_id="files",
            )  # fmt: skip
            script("setup", "folders")
            gr.Markdown(say("setup.good_upload_note"))
        with gr.Accordion(say("setup.good_take"), elem_id="taking"):
            with gr.Row():
                self.count = gr.Number(
                    20, precision=0, label=say("setup.good_count"), min_width=100, elem_id="count"
                )
                self.every = gr.Number(
                    0, label=say("setup.good_every"), min_width=100, elem_id="every"
                )
            with gr.Row():
                self.one = gr.Button(
                    say("setup.good_take_one"), variant="primary", min_width=90, elem_id="take-one"
                )
                self.many = gr.Button(
                    say("setup.good_take_many"), min_width=90, elem_id="take-many"
                )
                self.stop = gr.Button(
                    say("setup.good_stop"), interactive=False, min_width=90, elem_id="stop"
                )
            gr.Markdown(say("setup.good_take_only"))
            gr.Markdown(say("setup.good_take_note"))
        self.desk.paused_only += [self.one, self.many]
        with gr.Accordion(say("setup.good_record"), elem_id="recorded"):
            with gr.Row():
                self.last = gr.Number(
                    120, precision=0, label=say("setup.good_last"), min_width=100, elem_id="last"
                )
                self.lot = gr.Textbox(
                    label=say("setup.lot"), max_length=200, min_width=100, elem_id="lot"
                )
            self.since, self.until = (
                gr.DateTime(label=say(f"setup.{name}"), type="datetime", elem_id=name)
                for name in ("since", "until")
            )
            self.add_record = gr.Button(say("setup.good_add_record"), elem_id="from-record")
            gr.Markdown(say("setup.good_record_note"))
        self.dataset = gr.Dropdown(
            label=say("setup.good_dataset"), visible=False, elem_id="dataset"
        )
        self.add_dataset = gr.Button(say("setup.good_add"), visible=False, elem_id="from-dataset")

    def missing(self, asked: Asked) -> str | None:
        """There must be enough of them."""
        n = len(asked.names)
        if n >= MIN_GOOD:
            return None
        return asked.me.say("setup.good_missing", n=n, more=MIN_GOOD - n)

    def values(self, asked: Asked) -> list[Any]:
        """The first page; none is chosen."""
        return self._page(asked, [], 1)

    def _page(self, asked: Asked, chosen: Sequence[str], page: int) -> list[Any]:
        names = asked.names
        pages = max(1, -(-len(names) // PAGE))
        page = max(1, min(page, pages))
        chosen = [name for name in chosen if name in names]
        pictures = [
            (_thumbnail(asked.draft, name, chosen=name in chosen), self._caption(asked, name))
            for name in _on_page(names, page)
        ]
        removed = asked.draft.removed()[-1:]
        found = datasets(self.desk.context)
        restore = asked.me.say("setup.restore", name=removed[0]) if removed else ""
        return [
            chosen,
            promise_text(asked.me, promise(len(names), asked.options.false_reject)),
            gr.update(value=pictures, selected_index=None),
            gr.update(value=page, maximum=pages, visible=pages > 1),
            gr.update(interactive=len(chosen) == 1 and chosen[0] != names[0]),
            gr.update(interactive=bool(chosen)),
            gr.update(value=restore, visible=bool(removed)),
            gr.update(choices=found, value=found[0] if found else None, visible=bool(found)),
            gr.update(visible=bool(found)),
        ]

    def _caption(self, asked: Asked, name: str) -> str:
        """What a part of the record is called there; of another name the end says more than its beginning."""
        if name == asked.names[0]:
            return f"★ {asked.me.say('setup.reference')}"
        stem = Path(name).stem
        part = self.desk.context.store.part(stem.removeprefix(OF_RECORD))
        called = stem if part is None else part.serial or f"#{part.number}"
        return called if len(called) <= LETTERS else f"…{called[-LETTERS:]}"

    def wire(self) -> None:
        """Choosing, removing, and the four ways in."""
        desk, act = self.desk, self.desk.act
        which, shown = desk.which, [self.told, *self.shown, *desk.marks]
        on(
            self.gallery.select, self._toggle, [*which, self.chosen, self.page], self.shown,
            trigger_mode="multiple", concurrency_limit=1,
        )  # fmt: skip
        on(self.page.input, self._turn, [*which, self.chosen, self.page], self.shown)
        act(self, self.reference.click, self._reference, [self.chosen])
        act(self, self.remove.click, self._remove, [self.chosen])
        act(self, self.restore.click, self._restore)
        act(self, self.files.upload, self._upload, [self.files], _adding).then(
            lambda: None, None, self.files, show_progress="hidden"
        )
        dates = [self.last, self.lot, self.since, self.until]
        act(self, self.add_record.click, self._record, dates, _adding)
        act(self, self.add_dataset.click, self._dataset, [self.dataset], _adding)
        begun = partial(on, fn=lambda: gr.update(interactive=True), outputs=self.stop)
        taking = [
            begun(button.click).then(
                self._take, [*which, *wanted], shown, show_progress="hidden"
            )
            for button, wanted in (
                (self.one, (gr.State(1), gr.State(0))), (self.many, (self.count, self.every)),
            )
        ]  # fmt: skip
        stopped = on(self.stop.click, self._stopped, which, shown, cancels=taking)
        for each in (*taking, stopped):
            each.then(lambda: gr.update(interactive=False), None, self.stop, show_progress="hidden")

    async def _toggle(
        self, event: gr.Request, picked: gr.SelectData, product: str, view: str,
        chosen: list[str], page: int,
    ) -> list[Any]:  # fmt: skip
        asked = await self.desk.ask_of(event, product, view)

        def toggled() -> list[Any]:
            there = _on_page(asked.names, page)
            name = there[picked.index] if picked.index < len(there) else ""
            kept = [each for each in chosen if each != name]
            now = kept if len(kept) < len(chosen) else [*chosen, name]
            return self._page(asked, now, page)

        return await asyncio.to_thread(toggled)

    async def _turn(
        self, event: gr.Request, product: str, view: str, chosen: list[str], page: int
    ) -> list[Any]:
        asked = await self.desk.ask_of(event, product, view)
        return await asyncio.to_thread(self._page, asked, chosen, int(page or 1))

    async def _take(
        self, event: gr.Request, product: str, view: str, count: Any, every_s: Any
    ) -> AsyncIterator[list[Any]]:
        """Take pictures one by one, each shown as it comes, until somebody stops it."""
        asked = await self.desk.ask_of(event, product, view)

        async def series() -> AsyncIterator[str]:
            wanted = checked(Taking, count=count, every_s=every_s)
            context, request = self.desk.context, asked.me.request
            async for name in good_parts.take(context, request, asked.draft, wanted):
                yield name

        taken, done = series(), 0
        while (name := await told(partial(_next, taken))) is not None:
            done += 1
            text = asked.me.say("setup.good_taking", done=done, of=int(count))
            yield await self._shown(event, product, view, text, last=name)
        yield await self._shown(event, product, view, "", stay=done > 0)

    async def _stopped(self, event: gr.Request, product: str, view: str) -> list[Any]:
        return await self._shown(event, product, view, "", stay=True)

    async def _shown(
        self, event: gr.Request, product: str, view: str, text: str, *, last: str | None = None,
        stay: bool = False,
    ) -> list[Any]:  # fmt: skip
        """The page with the picture `last` taken; `stay`: the one that is shown."""
        asked = await self.desk.ask_of(event, product, view)

        def read() -> list[Any]:
            if stay:
                return [gr.skip()] * len(self.shown)
            place = asked.names.index(last) if last in asked.names else 0
            return self._page(asked, [], place // PAGE + 1)

        return [text, *await asyncio.to_thread(read), *await self.desk.marked(asked)]

    async def _reference(self, asked: Asked, chosen: list[str]) -> None:
        if chosen:
            await good_parts.choose_reference(
                self.desk.context, asked.me.request, asked.draft, chosen[0]
            )

    async def _remove(self, asked: Asked, chosen: list[str]) -> None:
        await good_parts.remove(self.desk.context, asked.me.request, asked.draft, chosen)

    async def _restore(self, asked: Asked) -> None:
        removed = await asyncio.to_thread(asked.draft.removed)
        await good_parts.restore(self.desk.context, asked.me.request, asked.draft, removed[-1:])

    async def _upload(self, asked: Asked, files: list[str] | None) -> str:
        paths = [Path(each) for each in files or []]
        found = await good_parts.upload(self.desk.context, asked.me.request, asked.draft, paths)
        return _came(asked, found)

    async def _record(
        self, asked: Asked, count: Any, lot: str, since: datetime | None, until: datetime | None
    ) -> str:
        which = {"product": asked.draft.product, "view": asked.draft.view}
        wanted = checked(
            FromRecord, **which, count=count, lot=lot, since=since or None, until=until or None
        )
        found = await good_parts.from_record(
            self.desk.context, asked.me.request, asked.draft, wanted
        )
        return _came(asked, found)

    async def _dataset(self, asked: Asked, name: str | None) -> str:
        found = await good_parts.from_dataset(
            self.desk.context, asked.me.request, asked.draft, name or ""
        )
        return _came(asked, found)


def _adding(asked: Asked) -> str:
    """How many good parts there are by now, while more are added."""
    return asked.me.say("setup.good_adding", n=len(asked.draft.names()))


def _came(asked: Asked, found: Added) -> str:
    """How many were added, and why others were refused."""
    refused = list(found.refused)
    more = len(refused) - REFUSED_SHOWN
    lines = [asked.me.say("setup.good_added", n=len(found.names)), *refused[:REFUSED_SHOWN]]
    return "\n".join([*lines, *([f"… + {more}"] if more > 0 else [])])


def _on_page(names: Sequence[str], page: int) -> Sequence[str]:
    return names[(page - 1) * PAGE : page * PAGE]


async def _next(series: AsyncIterator[str]) -> str | None:
    return await anext(series, None)


def _thumbnail(draft: SetupDraft, name: str, *, chosen: bool) -> NDArray[np.uint8]:
    """The small picture (H, W, 3) of a good part, framed where it is chosen."""
    try:
        path = draft.thumb(name)
        small = _small(path, path.stat().st_mtime_ns)
    except (OSError, CameraError, InspectionError):  # it vanished meanwhile, or is damaged
        return np.full((THUMB_PX, THUMB_PX, 3), 60, np.uint8)
    if not chosen:
        return small
    marked = small.copy()
    height, width = marked.shape[:2]
    cv2.rectangle(marked, (0, 0), (width - 1, height - 1), CHOSEN_RGB, 2 * EDGE_PX)
    return marked


@lru_cache(maxsize=4 * PAGE)
def _small(path: Path, changed_ns: int) -> NDArray[np.uint8]:
    image = read_image(path)
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
