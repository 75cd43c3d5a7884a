"""The fifth step: what a training came to, its odd pictures, and who would get another verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from inspection.errors import InspectionError
from inspection.jobs import Job
from inspection.labels.labels import Truth, read_labels
from ui.core.colours import colours_of, theme_of
from ui.core.errors import Refuse
from ui.core.panel import Asker, file_button, notice, table_value, told
from ui.core.pen import Pen
from ui.core.score_chart import score_chart
from ui.pages.setup import good_parts, release
from ui.pages.setup.asked import Asked
from ui.pages.setup.desk import Desk, Step, on
from ui.pages.setup.pairs import LARGE_PX, captioned, pair, part
from ui.pages.setup.result import (
    heat_of_good,
    heat_png,
    part_of,
    picture_of,
    result_message,
    trial_message,
)
from ui.pages.setup.sentences import (
    bad_lines,
    cause_text,
    drawn_table,
    facts,
    figure,
    hygiene_lines,
    limit_lines,
    mistakes_lines,
    mistakes_table,
    part_caption,
    stage,
    warning_lines,
)

API = "/api/engineer/setup"
MOST_LISTED = 60
"""So many tried parts are shown, escapes first."""


class ResultStep(Step):
    """Warnings first, then the limits, the odd pictures, and the trial of the recipe."""

    name = "result"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        say = desk.say
        self.empty = notice("result-empty", elem_classes="headline")
        with gr.Row(visible=False, elem_id="result") as self.whole:
            with gr.Column(scale=3):
                self._report(say)
                self._odd(say)
                self._trial(say)
            with gr.Column(scale=1, min_width=320):
                gr.Markdown(say("setup.result_lead"))
                self.facts = notice("facts")
                self.told = notice("result-told")
                self.leads["line"] = gr.Button(
                    say("setup.to_line"), variant="primary", elem_id="to-line"
                )
                self.leads["train"] = gr.Button(say("setup.train_again"), elem_id="again")
                self.save = file_button(say("setup.save_recipe"), elem_id="save-recipe")
                self.out = gr.Dropdown(
                    label=say("setup.remove_odd"), multiselect=True, elem_id="odd-chosen"
                )
                self.remove = gr.Button(say("setup.remove_from_good"), elem_id="remove-good")
        self.shown = [
            self.empty, self.whole, self.warnings, self.bad, self.plot, self.limits, self.drawn_why,
            self.drawn, self.hygiene, self.suspicious, self.suspicious_why, self.worst,
            self.worst_why, self.trying, self.mistakes, self.tried, self.listed, self.large,
            self.about, self.again, self.facts, self.save, self.out,
        ]  # fmt: skip

    def _report(self, say: gr.I18n) -> None:
        self.warnings = notice("warnings", elem_classes="red", role="alert")
        self.bad = notice("bad-parts")
        self.plot = gr.Plot(label=say("setup.scores"), elem_id="scores")
        self.limits = notice("limits")
        self.drawn_why = notice("drawn-why")
        self.drawn = gr.Dataframe(
            label=say("setup.drawn"), interactive=False, wrap=True, buttons=[], elem_id="drawn"
        )
        self.hygiene = notice("hygiene")

    def _odd(self, say: gr.I18n) -> None:
        self.suspicious_why = notice("suspicious-why")
        self.suspicious = _gallery(say("setup.suspicious"), "suspicious")
        self.worst_why = notice("worst-why")
        self.worst = _gallery(say("setup.worst"), "worst")

    def _trial(self, say: gr.I18n) -> None:
        gr.Markdown(say("setup.try_title"), elem_classes="title")
        self.trying, self.tried = notice("trying"), notice("tried")
        self.mistakes = gr.Dataframe(
            label=say("setup.try_title"), show_label=False, interactive=False, wrap=True,
            buttons=[], elem_id="mistakes",
        )  # fmt: skip
        self.listed = _gallery(say("setup.listed"), "listed", elem_classes="single", columns=5)
        self.large = gr.Image(
            label=say("setup.heat"), interactive=False, format="jpeg", buttons=["fullscreen"],
            visible=False, elem_id="large",
        )  # fmt: skip
        self.about = notice("about")
        self.again = gr.Button(say("setup.try_again"), size="sm", elem_id="try")

    def missing(self, asked: Asked) -> str | None:
        """There must be a recipe."""
        return None if asked.done else asked.me.say("setup.result_missing")

    async def before(self, asked: Asked) -> None:
        """Try the recipe once by itself, as soon as somebody looks."""

        def due() -> bool:
            return bool(asked.done) and asked.trial is None and asked.running is None

        if await asyncio.to_thread(due):
            await told(partial(self._attempt, asked))
            vars(asked).pop("trial", None)
            vars(asked).pop("running", None)

    def values(self, asked: Asked) -> list[Any]:
        """The whole of it, as far as the trial is."""
        job = asked.done
        if job is None:
            return self._nothing(asked.me.say("setup.result_missing"))
        try:
            result = result_message(job)
        except InspectionError as error:  # its recipe is damaged, or no longer there
            return self._nothing(str(error))
        tried, me = self._tried(asked), asked.me
        drawn = result["drawn_escapes"]
        return [
            "",
            gr.update(visible=True),
            warning_lines(me, [*result["warnings"], *(tried["warnings"] if tried else [])]),
            bad_lines(me, result["defects"]),
            score_histogram(me, result, tried),
            limit_lines(me, result),
            me.say("setup.drawn_why") if drawn else "",
            gr.update(value=drawn_table(me, drawn), visible=bool(drawn)),
            hygiene_lines(me, result["hygiene"]),
            *self._suspicious(asked, job, result),
            *self._worst(asked, job, tried),
            *self._trial_values(asked, tried),
            facts(me, result),
            gr.update(link=f"{API}/recipe/{job.id}"),
            gr.update(choices=self._mentioned(asked, result, tried), value=[]),
        ]

    def follow(self, asked: Asked) -> list[Any]:
        """How far the trial is."""
        values = [gr.skip()] * len(self.shown)
        values[self.shown.index(self.trying)] = self._trying(asked)
        return values

    def _nothing(self, text: str) -> list[Any]:
        return [text, gr.update(visible=False), *[gr.skip()] * (len(self.shown) - 2)]

    def _tried(self, asked: Asked) -> dict[str, Any] | None:
        """What the trial came to, with labels as they are now; None while there is none."""
        if asked.trial is None or asked.trial.state != "done":
            return None
        return trial_message(asked.trial, read_labels(self.desk.context.store))

    def _suspicious(self, asked: Asked, job: Job, result: dict[str, Any]) -> list[Any]:
        found = result["hygiene"]["suspicious"]
        texts = {
            name: asked.me.say("setup.suspicious_score", score=figure(score), limit=figure(usual))
            for name, score, usual in found
        }
        why = f"▲ {asked.me.say('setup.suspicious')} ({len(found)})\n"
        pictures = self._pairs(asked, job, texts)
        return [
            gr.update(value=pictures, visible=bool(found), selected_index=None),
            why + asked.me.say("setup.suspicious_why") if found else "",
        ]

    def _worst(self, asked: Asked, job: Job, tried: dict[str, Any] | None) -> list[Any]:
        rows = tried["worst"] if tried else []
        texts = {
            row["name"]: asked.me.say("setup.score", score=figure(row["score"])) for row in rows
        }
        return [
            gr.update(
                value=self._pairs(asked, job, texts), visible=bool(rows), selected_index=None
            ),
            f"{asked.me.say('setup.worst')}\n{asked.me.say('setup.worst_why')}" if rows else "",
        ]

    def _pairs(self, asked: Asked, job: Job, texts: dict[str, str]) -> list[tuple[Any, str]]:
        """Good parts with what is least usual in them, and a text for each."""
        return [
            (
                captioned(pair(picture_of(job, name), self._heat(asked, name))),
                f"{name} · {text}",
            )
            for name, text in texts.items()
        ]

    def _heat(self, asked: Asked, name: str) -> bytes | None:
        if asked.trial is None or asked.trial.state != "done":
            return None
        try:
            return heat_of_good(asked.trial, name).read_bytes()
        except (InspectionError, OSError):  # only the worst have one
            return None

    def _trial_values(self, asked: Asked, tried: dict[str, Any] | None) -> list[Any]:
        table = mistakes_table(asked.me, tried["labelled"]) if tried else None
        rows = tried["listed"][:MOST_LISTED] if tried else []
        pictures = [
            (
                captioned(part(part_of(asked.trial, row["part_id"]), escape=row["escape"])),
                part_caption(asked.me, row),
            )
            for row in rows
            if asked.trial is not None
        ]
        running = asked.running is not None
        return [
            "" if tried else self._trying(asked),
            gr.update(value=table or table_value([], []), visible=table is not None),
            mistakes_lines(asked.me, tried) if tried else "",
            gr.update(value=pictures, visible=bool(pictures), selected_index=None),
            gr.update(value=None, visible=False),
            "",
            gr.update(interactive=not running),
        ]

    def _trying(self, asked: Asked) -> str:
        trial, say = asked.trial, asked.me.say
        if trial is None:
            return ""
        if trial.error:
            return f"{say('setup.try_failed')}: {trial.error}"
        if not trial.running:
            return say(f"setup.try_{trial.state}")
        far = say("setup.done_of", done=trial.done, of=trial.of) if trial.of else ""
        return f"{say('setup.trying')}: {stage(asked.me, trial)} {far}"

    def _mentioned(
        self, asked: Asked, result: dict[str, Any], tried: dict[str, Any] | None
    ) -> list[str]:
        """The good parts that something is said of, and that are still among them."""
        found = result["hygiene"]
        names = [name for name, *_ in (*found["suspicious"], *found["unreadable"])]
        names += [name for name, _ in found["off_size"]]
        names += [name for group in found["duplicates"] for name in group[1:]]
        names += [row["name"] for row in tried["worst"]] if tried else []
        there = set(asked.names)
        return [name for name in dict.fromkeys(names) if name in there]

    def wire(self) -> None:
        """Odd pictures are chosen by clicks and removed; a tried part is shown large."""
        desk = self.desk
        desk.act(self, self.again.click, self._attempt)
        desk.act(self, self.remove.click, self._remove, [self.out])
        for gallery in (self.suspicious, self.worst):
            which = gr.State(gallery is self.worst)
            on(gallery.select, self._pick, [*desk.which, self.out, which], self.out)
        on(self.listed.select, self._enlarge, desk.which, [self.large, self.about])

    async def _attempt(self, asked: Asked) -> None:
        job = await asyncio.to_thread(lambda: asked.done)
        if job is None:
            raise Refuse(asked.me.say("setup.result_missing"))
        await release.attempt(self.desk.context, asked.me.request, job.id)

    async def _remove(self, asked: Asked, names: list[str]) -> str:
        removed = await good_parts.remove(
            self.desk.context, asked.me.request, asked.draft, names or []
        )
        return asked.me.say("setup.removed", n=len(removed))

    async def _pick(
        self, event: gr.Request, picked: gr.SelectData, product: str, view: str,
        chosen: list[str] | None, worst: bool,
    ) -> Any:  # fmt: skip
        """Choose the good part that was clicked, or let it go."""
        asked = await self.desk.ask_of(event, product, view)

        def name() -> str:
            job, tried = asked.done, self._tried(asked) if worst else None
            if job is None:
                return ""
            rows: Sequence[Any] = (
                [row["name"] for row in (tried or {"worst": []})["worst"]]
                if worst
                else [name for name, *_ in result_message(job)["hygiene"]["suspicious"]]
            )
            found = rows[picked.index] if picked.index < len(rows) else ""
            return found if found in asked.names else ""

        found = await asyncio.to_thread(name)
        kept = [each for each in chosen or [] if each != found]
        return kept if not found or len(kept) < len(chosen or []) else [*kept, found]

    async def _enlarge(
        self, event: gr.Request, picked: gr.SelectData, product: str, view: str
    ) -> list[Any]:
        """A tried part, beside it what is unusual in it for the new recipe, and why it got its verdict."""
        asked = await self.desk.ask_of(event, product, view)

        def read() -> list[Any]:
            tried, job = self._tried(asked), asked.done
            rows = tried["listed"] if tried else []
            if job is None or asked.trial is None or picked.index >= len(rows):
                return [gr.update(visible=False), ""]
            row = rows[picked.index]
            picture = part_of(asked.trial, row["part_id"])
            heat = heat_png(job.recipe, picture)
            text = f"{part_caption(asked.me, row)}\n{cause_text(asked.me, row)}"
            return [gr.update(value=pair(picture, heat, side_px=LARGE_PX), visible=True), text]

        async def found() -> list[Any]:
            return await asyncio.to_thread(read)

        return await told(found) or [gr.skip(), gr.skip()]


def score_histogram(me: Asker, result: Mapping[str, Any], tried: Mapping[str, Any] | None) -> Any:
    """Scores of good parts the recipe had not seen, and of tried parts that are labelled NG."""
    scores = dict.fromkeys(Truth, np.array([])) | {
        Truth.OK: np.array(result["scores"]),
        Truth.NG: np.array(tried["ng_scores"] if tried else []),
    }
    limits = {
        f"{me.say(f'setup.limit_{name}')} {figure(result[limit])}": result[limit]
        for name, limit in (("review", "threshold"), ("fail", "fail_threshold"))
    }
    names = {"report.label_OK": "setup.good"}

    def words(key: str) -> str:
        return me.say(names.get(key, key if "." in key else f"charts.{key}"))

    return score_chart(scores, limits, Pen(words, colours_of(theme_of(me.request.cookies))))


def _gallery(
    label: Any, elem_id: str, *, elem_classes: str = "pairs", columns: int = 3
) -> gr.Gallery:
    return gr.Gallery(
        label=label, columns=columns, height="auto", object_fit="contain", format="jpeg",
        allow_preview=False, interactive=False, buttons=[], visible=False, elem_id=elem_id,
        elem_classes=["pictures", elem_classes],
    )  # fmt: skip
