"""What is done about labels as a whole: types of defects, datasets, and how far people agree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import Request

from inspection.labels.dataset_export import FOLDER, Chosen, DatasetDraft, datasets
from inspection.labels.defect_types import Defects, checked
from inspection.labels.labels import Agreement
from inspection.labels.masks import Masks
from inspection.labels.review_queue import Queue, State
from inspection.store.event_kinds import ActionKind
from inspection.store.filters import PartFilter
from inspection.store.reading.outline import numbered
from ui.core.audit import record_action
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.live.station_client import StationGone

AT_ONCE = 500


class LabelsWork:
    """Plain work; whatever changes something is noted in the record first."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.queue = Queue(context.store, context.settings.station)
        self.masks, self.defects = Masks(context.folder), Defects(context.folder)
        self.datasets = context.folder / FOLDER
        self.exporting = asyncio.Lock()

    def zones(self) -> list[str]:
        """The zones that parts have regions in."""
        self.queue.refresh()
        return self.queue.choices()["zones"]

    def agreement(self) -> list[Agreement]:
        """How far each two people agree."""
        self.queue.refresh()
        return self.queue.labels.agreement()

    def kept(self) -> list[dict[str, Any]]:
        """The datasets made of labelled parts."""
        return datasets(self.datasets)

    async def change_types(self, request: Request, types: Sequence[str]) -> tuple[str, ...]:
        """Replace the types of defects. Raises DefectsError, Refuse."""
        found = checked(types)
        await self._note(request, ActionKind.DEFECTS_CHANGED, {"types": found})
        return await asyncio.to_thread(self.defects.change, found)

    async def make_dataset(
        self, request: Request, which: PartFilter, *, name: str, test_percent: int
    ) -> dict[str, Any]:
        """Make a dataset of the labelled parts: whole and noted in the record, or not at all.

        Gives its counts. Raises DatasetError, Refuse.
        """
        if self.exporting.locked():
            raise Refuse("a dataset is being made already; wait for it", status=409)
        async with self.exporting:
            draft = await asyncio.to_thread(self._draft, which, name, test_percent)
            counts = draft.counts.as_json()
            try:
                await self._note(request, ActionKind.DATASET_MADE, {"name": name, **counts})
            except BaseException:
                await asyncio.to_thread(draft.discard)
                raise
            await asyncio.to_thread(draft.place)
        return counts

    def _draft(self, which: PartFilter, name: str, test_percent: int) -> DatasetDraft:
        """Write a dataset aside."""
        self.queue.refresh()
        numbers = self.queue.page(which, "", state=State.LABELLED, limit=10**9).numbers
        draft = DatasetDraft(self.datasets, name)
        chosen = []
        for start in range(0, len(numbers), AT_ONCE):
            for record in numbered(self.context.store, numbers[start : start + AT_ONCE]):
                labels = self.queue.labels.of(record.part_id)
                label = labels.outcome
                if labels.ignored:
                    draft.counts.left_out["ignored"] += 1
                elif label is None:
                    draft.counts.left_out["disagreement"] += 1
                else:
                    chosen.append(Chosen(record=record, label=label))
        draft.write(chosen, self.context.store, self.masks, test_percent=test_percent)
        return draft

    async def _note(self, request: Request, kind: ActionKind, detail: dict[str, Any]) -> None:
        with _station_needed(self.context, request):
            who = request.scope["user"].name
            await record_action(self.context, kind, who=who, detail=detail)


@contextmanager
def _station_needed(context: Context, request: Request) -> Iterator[None]:
    """Nothing counts before the station has written it. Raises Refuse (503) where it is gone."""
    try:
        yield
    except StationGone:
        text = context.words.say("review.no_station", request.scope["language"])
        raise Refuse(text, status=503) from None
