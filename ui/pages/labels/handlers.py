"""What the labels page does: name types of defects, make a dataset, show how far people agree."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from inspection.judgement import Verdict
from inspection.labels.defect_types import MOST
from inspection.store.filters import PartFilter, read_filter
from ui.core.context import Context
from ui.core.panel import Asker, Cell, asker, done, table_value
from ui.core.part_choice import FIELDS, PartChoice
from ui.pages.labels.service import LabelsWork
from ui.security.users import Role

ASKED = (*FIELDS, "verdict", "zone")
PEOPLE = ("people", "parts", "agreed", "kappa")
DATASETS = ("dataset", "made", "holds", "left_out")


class Handlers:
    """Each public method answers an event."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice, self.work = context, choice, LabelsWork(context)

    async def open(self, event: gr.Request) -> list[Any]:
        """What may be chosen, the types of defects, the datasets, and who agrees with whom."""
        me = asker(self.context, event, Role.ENGINEER)
        verdicts = [(me.say(f"report.verdict_{each.value}"), each.value) for each in Verdict]
        zones = await asyncio.to_thread(self.work.zones)
        types = await asyncio.to_thread(self.work.defects.list)
        return [
            *await self.choice.fill(me.language),
            gr.update(choices=[(me.say("parts.any_verdict"), ""), *verdicts], value=""),
            gr.update(choices=zones, value=None),
            *_typed(types, me),
            await self._kept(me),
            *await self._agreement(me),
        ]

    async def change(self, event: gr.Request, *typed: str) -> list[Any]:
        """Replace the types of defects by those typed; a type that kept its name keeps what the record calls it."""
        me = asker(self.context, event, Role.ENGINEER)
        known = {_named(each, me): each for each in await asyncio.to_thread(self.work.defects.list)}
        types = [known.get(name, name) for each in typed if (name := (each or "").strip())]
        changed = await done(partial(self.work.change_types, me.request, types))
        return [*_typed(changed, me), me.say("labels.types_changed")]

    async def make(
        self, event: gr.Request, name: str, test_percent: float, *asked: Any
    ) -> list[Any]:
        """Make a dataset of the labelled parts that were chosen."""
        me = asker(self.context, event, Role.ENGINEER)

        async def made() -> dict[str, Any]:
            which = self._which(dict(zip(ASKED, asked, strict=True)))
            share = min(90, max(0, int(test_percent or 0)))
            return await self.work.make_dataset(
                me.request, which, name=(name or "").strip(), test_percent=share
            )

        await done(made)
        return [me.say("review.exported", name=name.strip()), await self._kept(me)]

    def _which(self, asked: dict[str, Any]) -> PartFilter:
        """The parts chosen. Raises FilterError."""
        own = read_filter({"verdict": asked["verdict"] or None, "zone": asked["zone"] or None})
        return replace(self.choice.parts(asked), verdict=own.verdict, zone=own.zone)

    async def _kept(self, me: Asker) -> Any:
        kept = await asyncio.to_thread(self.work.kept)
        rows = [
            [each["name"], me.wording.moment(each["made_at"]), *_counted(each["counts"], me)]
            for each in kept
        ]
        return _table(DATASETS, rows, me)

    async def _agreement(self, me: Asker) -> list[Any]:
        pairs = await asyncio.to_thread(self.work.agreement)
        rows: list[list[Cell | str]] = [
            [
                " – ".join(each.people),
                Cell(each.parts, me.wording.number(each.parts)),
                Cell(each.agreed, me.wording.percent(each.agreed)),
                Cell(each.kappa, "–" if each.kappa is None else f"{each.kappa:.2f}"),
            ]
            for each in pairs
        ]
        return [_table(PEOPLE, rows, me), "" if rows else me.say("review.agreement_none")]


def _table(heads: tuple[str, ...], rows: Sequence[Sequence[Cell | str]], me: Asker) -> Any:
    named = [me.say(f"labels.{name}") for name in heads]
    return gr.update(value=table_value(named, rows), visible=bool(rows))


def _named(defect: str, me: Asker) -> str:
    """The name of a type in this language, or as people wrote it."""
    return me.wording.said(f"review.defect_{defect}", defect)


def _typed(types: tuple[str, ...], me: Asker) -> list[str]:
    names = [_named(each, me) for each in types]
    return [*names, *[""] * (MOST - len(names))]


def _counted(counts: dict[str, Any], me: Asker) -> list[str]:
    """What a dataset holds, and what was left out of it."""
    holds = [me.say("review.count_train", n=counts["train_good"])]
    for kind, n in counts["test"].items():
        key = "review.count_test_good" if kind == "good" else "review.count_test"
        holds.append(me.say(key, n=n, kind=_named(kind, me)))
    holds.append(me.say("review.count_masks", n=counts["masks"]))
    left = [me.say(f"review.left_{why}", n=n) for why, n in counts["left_out"].items()]
    return [", ".join(holds), ", ".join(left)]
