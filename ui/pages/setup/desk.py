"""What the steps of the set-up page share: the choice of a draft, the station's state, and a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from inspection.jobs import TRAIN, TRY
from ui.core.context import Context
from ui.core.panel import asker, done, notice, told
from ui.pages.setup.asked import Asked
from ui.pages.setup.requests import draft_of
from ui.security.users import Role

TICK_S = 1.0
on = partial(gr.on, show_progress="hidden")

Work = Callable[..., Awaitable[str | None]]
"""Does something of a draft, given what is asked and the values of components; says what it did."""


class Step:
    """One step, a tab: `shown` are its components in the order that `values` fills them."""

    name: str
    told: gr.HTML
    shown: list[Any]
    moves = True
    """Whether it is shown anew where something changed by itself; what a person has chosen would be lost."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.leads: dict[str, gr.Button] = {}
        """Buttons that lead to another step, by its name."""

    def missing(self, asked: Asked) -> str | None:
        """What is still to be done, None where nothing is."""
        raise NotImplementedError

    def values(self, asked: Asked) -> list[Any]:
        """What is shown now; called in a thread."""
        raise NotImplementedError

    async def before(self, asked: Asked) -> None:
        """Do what is due whenever the step is looked at."""

    def wire(self) -> None:
        """Say what the components do, once all steps are there."""


class Desk:
    """Puts product, view, the station's state and a question on top; keeps the steps."""

    def __init__(self, context: Context, say: gr.I18n) -> None:
        self.context, self.say = context, say
        self.steps: dict[str, Step] = {}
        self.tabs: dict[str, gr.Tab] = {}
        self.paused_only: list[Any] = []
        """Buttons that ask the camera for something."""
        self.deeds: dict[str, Work] = {"pause": self._pause}
        """What is asked before it is done, by its name."""
        with gr.Row(elem_classes="at-end"):
            self.product, self.view = (
                gr.Dropdown(label=say(f"setup.{name}"), elem_id=name, min_width=140)
                for name in ("product", "view")
            )
            with gr.Column(scale=2, min_width=300):
                self.state = notice("state")
            self.pause = gr.Button(say("setup.pause"), elem_id="pause", min_width=160)
            self.resume = gr.Button(
                say("setup.resume"),
                variant="primary",
                visible=False,
                elem_id="resume",
                min_width=160,
            )
        with gr.Group(visible=False, elem_id="ask") as self.group:
            self.warning = notice("warning", elem_classes="red", role="alert")
            self.question = notice("question")
            with gr.Row():
                self.no = gr.Button(say("setup.no"), elem_id="no")
                self.yes = gr.Button(say("setup.yes"), variant="stop", elem_id="yes")
        self.did, self.to_do = notice("did"), notice("to-do")
        self.asked, self.place = gr.State(None), gr.State("")
        self.seen, self.known = gr.State(None), gr.State(None)

    @property
    def which(self) -> list[Any]:
        """The components that say which draft it is."""
        return [self.product, self.view]

    @property
    def marks(self) -> list[Any]:
        """What tells which steps are done."""
        return [self.to_do, *self.tabs.values()]

    @property
    def station(self) -> list[Any]:
        """What changes as the station pauses and goes on."""
        return [self.state, self.pause, self.resume, *self.paused_only]

    @property
    def all_shown(self) -> list[Any]:
        """The components of all steps."""
        return [each for step in self.steps.values() for each in step.shown]

    # What handlers are made of

    async def ask_of(self, event: gr.Request, product: str, view: str) -> Asked:
        """What is asked, by whom. Raises gr.Error for who may not, and for a draft there cannot be."""
        me = asker(self.context, event, Role.ENGINEER)

        async def found() -> Asked:
            return Asked(self.context, me, draft_of(self.context, product, view))

        return await done(found)

    async def marked(self, asked: Asked) -> list[Any]:
        """Which steps are done, as `marks` show it."""

        def read() -> list[Any]:
            missing = {name: step.missing(asked) for name, step in self.steps.items()}
            names = {name: asked.me.say(f"setup.{name}") for name in missing}
            left = [f"{names[name]}: {text}" for name, text in missing.items() if text]
            labels = [
                f"{number if missing[name] else '✓'} {names[name]}"
                for number, name in enumerate(names, 1)
            ]
            to_do = asked.me.say("setup.to_do") + " " + " · ".join(left) if left else ""
            return [to_do, *(gr.update(label=label) for label in labels)]

        return await asyncio.to_thread(read)

    async def fill(self, asked: Asked, place: str) -> list[Any]:
        """One step anew, for `all_shown`; the others stay as they are."""
        values: list[Any] = []
        for name, step in self.steps.items():
            if name == place:
                await step.before(asked)
                values += await asyncio.to_thread(step.values, asked)
            else:
                values += [gr.skip()] * len(step.shown)
        return values

    def act(
        self, step: Step, trigger: Any, work: Work, inputs: Sequence[Any] = (),
        meanwhile: Callable[[Asked], str] | None = None,
    ) -> Any:  # fmt: skip
        """When something is pressed: do it, say what came of it, and show the step anew.

        `meanwhile` says how far it is, in a thread, until it is done.
        """

        async def handler(
            event: gr.Request, product: str, view: str, *values: Any
        ) -> AsyncIterator[list[Any]]:
            asked = await self.ask_of(event, product, view)
            doing = asyncio.ensure_future(told(partial(work, asked, *values)))
            while meanwhile is not None and not doing.done():
                said = await asyncio.to_thread(meanwhile, asked)
                yield [said, *[gr.skip()] * len([*step.shown, *self.marks])]
                await asyncio.wait([doing], timeout=TICK_S)
            text = await doing
            asked = await self.ask_of(event, product, view)
            shown = await asyncio.to_thread(step.values, asked)
            yield [text or "", *shown, *await self.marked(asked)]

        return on(trigger, handler, [*self.which, *inputs], [step.told, *step.shown, *self.marks])

    def note(
        self, trigger: Any, work: Callable[..., Awaitable[list[Any]]], inputs: Sequence[Any],
        outputs: Sequence[Any],
    ) -> Any:  # fmt: skip
        """When something is chosen: keep it, and show no more than what follows from it."""

        async def handler(event: gr.Request, product: str, view: str, *values: Any) -> list[Any]:
            asked = await self.ask_of(event, product, view)
            found = await told(partial(work, asked, *values))
            return [gr.skip()] * len(outputs) if found is None else found

        return on(trigger, handler, [*self.which, *inputs], outputs)

    def ask(self, trigger: Any, question: Any, inputs: Sequence[Any] = ()) -> Any:
        """When something is pressed, ask first; `question` gives the deed's values, its text and a warning."""

        async def handler(event: gr.Request, product: str, view: str, *values: Any) -> list[Any]:
            asked = await self.ask_of(event, product, view)
            deed, text, warning = await asyncio.to_thread(question, asked, *values)
            return [deed, gr.update(visible=True), warning and f"▲ {warning}", text, ""]

        return on(trigger, handler, [*self.which, *inputs], [*self._asking, self.did])

    @property
    def _asking(self) -> list[Any]:
        return [self.asked, self.group, self.warning, self.question]

    # The page as a whole

    def wire(self) -> None:
        """Say what the head does, once all steps are there."""
        for step in self.steps.values():
            step.wire()
        self.ask(
            self.pause.click,
            lambda asked: (("pause",), asked.me.say("setup.pause_ask"), ""),
        )
        on(self.resume.click, self._resume, self.which, self.station)
        on(self.no.click, lambda: [None, gr.update(visible=False), "", ""], None, self._asking)
        everything = [*self._asking, self.did, *self.station, *self.all_shown, *self.marks]
        on(self.yes.click, self._agreed, [*self.which, self.place, self.asked], everything)
        again = [*self.station, *self.all_shown, *self.marks]
        on(
            [self.product.input, self.view.input], self.look, [*self.which, self.place], again,
            js="(...given) => { history.replaceState(null, '', `?${new URLSearchParams("
               "{product: given[0], view: given[1]})}${location.hash}`); return given; }",
        )  # fmt: skip
        timer = gr.Timer(TICK_S)
        on(timer.tick, self.tick, self.which, self.seen)
        about = [*self.which, self.place, self.seen, self.known]
        on(self.seen.change, self.moved, about, [self.known, *again])

    async def look(self, event: gr.Request, product: str, view: str, place: str) -> list[Any]:
        """The station, the step that is looked at, and what is missing."""
        if not product or not view:  # a tab is shown before what the address asks for is known
            return [gr.skip()] * len([*self.station, *self.all_shown, *self.marks])
        asked = await self.ask_of(event, product, view)
        filled = await self.fill(asked, place)
        return [*self._station_now(asked), *filled, *await self.marked(asked)]

    async def tick(self, event: gr.Request, product: str, view: str) -> Any:
        """What changes by itself, looked at once a second; `far` is how far a job is."""
        if not product or not view:
            return gr.skip()
        asked = await self.ask_of(event, product, view)

        def now() -> dict[str, list[Any]]:
            status, job = asked.status or {}, self.context.jobs.running(TRAIN, TRY)
            changed = [each["recipe_id"] for each in status.get("recipes_changed", [])]
            silent, looked = asked.status is None, bool(asked.note.get("looked"))
            far = [] if job is None else [job.stage, job.done, job.of, round(job.seconds)]
            return {"rest": [silent, asked.paused, changed, job and job.id, looked], "far": far}

        return await asyncio.to_thread(now)

    async def moved(
        self, event: gr.Request, product: str, view: str, place: str, seen: Any, known: Any
    ) -> list[Any]:
        """Show what changed by itself."""
        asked = await self.ask_of(event, product, view)
        again = [gr.skip()] * len([*self.station, *self.all_shown, *self.marks])
        if known is not None and seen["rest"] != known["rest"]:
            moves = place in self.steps and self.steps[place].moves
            again = await self.look(event, product, view, place if moves else "")
        elif seen["far"]:
            begin = len(self.station)
            followed = await self._followed(asked)
            again[begin : begin + len(followed)] = followed
        return [seen, *again]

    async def _followed(self, asked: Asked) -> list[Any]:
        """How far the job at work is, in the steps that show it."""
        values: list[Any] = []
        for step in self.steps.values():
            follow = getattr(step, "follow", None)
            values += (
                await asyncio.to_thread(follow, asked) if follow else [gr.skip()] * len(step.shown)
            )
        return values

    def _station_now(self, asked: Asked) -> list[Any]:
        state = _state(asked)
        sign = {"gone": "✕", "paused": "❚❚", "no_recipe": "!", "inspecting": "▶"}[state]
        return [
            gr.update(
                value=f"{sign} {asked.me.say(f'setup.station_{state}')}",
                elem_classes=["state", state],
            ),
            gr.update(visible=state in ("inspecting", "no_recipe")),
            gr.update(visible=state == "paused"),
            *[gr.update(interactive=asked.paused)] * len(self.paused_only),
        ]

    async def _pause(self, asked: Asked) -> None:
        await self.context.runtime.do("pause", who=asked.me.name)
        await self.until(lambda: asked.paused)

    async def _resume(self, event: gr.Request, product: str, view: str) -> list[Any]:
        asked = await self.ask_of(event, product, view)
        await told(partial(self.context.runtime.do, "resume", who=asked.me.name))
        await self.until(lambda: not asked.paused)
        return self._station_now(asked)

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait for the station to say it itself, as all pages are told; not for long."""
        for _ in range(30):
            if happened():
                return
            await asyncio.sleep(0.1)

    async def _agreed(
        self, event: gr.Request, product: str, view: str, place: str, deed: Any
    ) -> list[Any]:
        """Do what was asked for."""
        asked, text = await self.ask_of(event, product, view), None
        if deed:
            verb, *values = deed
            text = await told(partial(self.deeds[verb], asked, *values))
        closed = [None, gr.update(visible=False), "", "", text or ""]
        return [*closed, *await self.look(event, product, view, place)]


def _state(asked: Asked) -> str:
    """What the station does with the next part, as the head of the page names it."""
    if asked.status is None:
        return "gone"
    if asked.paused:
        return "paused"
    without = asked.status["product"] in asked.status.get("without_recipe", ())
    return "no_recipe" if without else "inspecting"
