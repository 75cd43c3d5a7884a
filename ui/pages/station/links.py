"""The tabs of outputs and triggers: forms of each driver's own settings, and trials without a part."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from inspection.judgement import Verdict
from inspection.plant.outputs import Output, output_class, output_names
from inspection.plant.triggers import trigger_class, trigger_names
from inspection.station.own_process import ask
from inspection.station.station_file import read_station, settings_for
from inspection.station.station_tables import Kind, remove_link, set_link
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.panel import done, request_of
from ui.core.restart import restart_due
from ui.core.settings_form import component_of, setting_fields, settings_given
from ui.pages.station.allowed import check_allowed
from ui.pages.station.shown import shown_settings

SEND_S = 10.0
LONGEST_WAIT_S = 20
TRIAL = "inspection.station.plant_trial"
on = partial(gr.on, show_progress="minimal")


def links_tab(context: Context, say: gr.I18n, kind: Kind, shown: list[Any]) -> None:
    """Lay out the tab of outputs, or of triggers; `shown` is the line of the restart."""
    links, known = Links(context, kind), context.words.keys
    table = gr.Dataframe(interactive=False, wrap=True, elem_id=f"{kind}-table")
    names = output_names() if kind == "outputs" else trigger_names()
    chosen = gr.Dropdown(names, value=names[0], label=say(f"station.{kind}_kind"), elem_id=kind)

    def form(name: str) -> None:
        driver = links.driver(name)
        if (missing := driver.missing()) is not None:
            gr.Textbox(missing, label=say("station.problem"))
        now, parts = links.now(name) or {}, {}
        with gr.Row(elem_classes="station-form"):
            for field in setting_fields(driver):
                if field.kind != "json":
                    value = now.get(field.name, field.default)
                    made = component_of(field, value, say=say, known=known, where=kind)
                    parts[made] = field.name
        with gr.Row():
            keep = gr.Button(say("station.keep"), variant="primary", elem_id=f"{kind}-keep")
            remove = gr.Button(say("station.remove"), elem_id=f"{kind}-remove")

        def values(given: dict[Any, Any]) -> dict[str, Any]:
            return {name: given[part] for part, name in parts.items()}

        async def kept(given: dict[Any, Any], event: gr.Request) -> list[Any]:
            return await links.keep(name, values(given), event)

        async def removed(event: gr.Request) -> list[Any]:
            return await links.remove(name, event)

        on(keep.click, kept, set(parts), [table, *shown])
        on(remove.click, removed, None, [table, *shown])
        with gr.Row():
            if kind == "outputs":
                verdicts = [each.value for each in Verdict]
                verdict = gr.Dropdown(
                    verdicts,
                    value=Verdict.FAIL.value,
                    label=say("station.verdict"),
                    elem_id="verdict",
                    interactive=True,
                )
                send = gr.Button(say("station.send_test"), elem_id="send-test")
            if links.brings_triggers(driver):
                seconds = gr.Slider(
                    1, LONGEST_WAIT_S, value=10, step=1, label=say("station.seconds"),
                    elem_id=f"{kind}-seconds", interactive=True,
                )  # fmt: skip
                wait = gr.Button(say("station.wait"), elem_id=f"{kind}-wait")
        answer = gr.Textbox(
            value="", label=say("station.answer"), interactive=False, elem_id=f"{kind}-answer"
        )
        if kind == "outputs":

            async def sent(given: dict[Any, Any], event: gr.Request) -> str:
                return await links.send(name, values(given), given[verdict], event)

            on(send.click, sent, {*parts, verdict}, answer)
        if links.brings_triggers(driver):

            async def waited(given: dict[Any, Any], event: gr.Request) -> str:
                return await links.wait(name, values(given), given[seconds], event)

            on(wait.click, waited, {*parts, seconds}, answer)

    gr.render(inputs=chosen)(form)
    on(fn=links.table, outputs=table)


@dataclass(frozen=True, slots=True)
class Links:
    """The outputs of a station, or its triggers."""

    context: Context
    kind: Kind

    def driver(self, name: str) -> Any:
        """The class of an output or trigger. Raises SetupError."""
        return output_class(name) if self.kind == "outputs" else trigger_class(name)

    def brings_triggers(self, driver: Any) -> bool:
        """Whether a trigger can come by it: of outputs those that show the plant the station's state."""
        return self.kind == "triggers" or driver.state_changed is not Output.state_changed

    def now(self, name: str) -> Mapping[str, Any] | None:
        """Its table in the station file as it is now, None where it has none."""
        tables: Mapping[str, Any] = getattr(read_station(self.context.station_path), self.kind)
        return tables.get(name)

    def table(self, event: gr.Request) -> dict[str, Any]:
        """Those in the station file with their settings."""
        words, language = self.context.words, request_of(event).scope["language"]
        tables: Mapping[str, Any] = getattr(read_station(self.context.station_path), self.kind)
        return {
            "headers": [
                words.say(f"station.head_{each}", language) for each in ("name", "settings")
            ],
            "data": [
                [
                    name,
                    ", ".join(f"{key} = {value}" for key, value in shown_settings(given).items()),
                ]
                for name, given in tables.items()
            ],
        }

    def given(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The table a form asks for, checked. Raises SetupError."""
        driver, before, where = self.driver(name), self.now(name) or {}, f"{self.kind}.{name}"
        fields = setting_fields(driver)
        table = settings_given(fields, values, before)
        check_allowed(self.context, where, fields, table, before)
        settings_for(driver, table, where=where, home=self.context.settings.home)
        return table

    async def keep(self, name: str, values: Mapping[str, Any], event: gr.Request) -> list[Any]:
        """Write it into the station file."""

        async def kept() -> None:
            table = await asyncio.to_thread(self.given, name, values)
            async with self._audited(ActionKind.LINK_SET, name, event, shown_settings(table)):
                await asyncio.to_thread(set_link, self.context.station_path, self.kind, name, table)

        await done(kept)
        return self._shown(event)

    async def remove(self, name: str, event: gr.Request) -> list[Any]:
        """Take it out of the station file."""

        async def removed() -> None:
            async with self._audited(ActionKind.LINK_REMOVED, name, event):
                await asyncio.to_thread(remove_link, self.context.station_path, self.kind, name)

        await done(removed)
        return self._shown(event)

    async def send(
        self, name: str, values: Mapping[str, Any], verdict: str, event: gr.Request
    ) -> str:
        """Send a test result: by the station where the output is at work so, else by one opened for it."""
        who = request_of(event).scope["user"].name

        async def sent() -> str:
            table = await asyncio.to_thread(self.given, name, values)
            async with self._audited(ActionKind.LINK_TESTED, name, event, verdict=verdict):
                if self._at_work(name, table):
                    answer = await self.context.runtime.do(
                        "test_output", who=who, output=name, verdict=verdict
                    )
                else:
                    answer = await self._tried(
                        "send_test",
                        name,
                        SEND_S,
                        name=name,
                        settings=table,
                        verdict=verdict,
                        who=who,
                    )
                return str(answer["delivery_id"])

        return self._say(event, "sent", id=await done(sent))

    async def wait(
        self, name: str, values: Mapping[str, Any], seconds: float, event: gr.Request
    ) -> str:
        """Wait for a trigger, and say what came."""
        who = request_of(event).scope["user"].name

        async def waited() -> Mapping[str, Any] | None:
            table = await asyncio.to_thread(self.given, name, values)
            async with self._audited(ActionKind.LINK_TESTED, name, event, seconds=seconds):
                if self._at_work(name, table):
                    answer = await self.context.runtime.do(
                        "next_trigger", who=who, timeout_s=seconds
                    )
                else:
                    answer = await self._tried(
                        "wait_for_trigger", name, seconds + SEND_S, kind=self.kind, name=name,
                        settings=table, timeout_s=seconds,
                    )  # fmt: skip
                came: Mapping[str, Any] | None = answer["trigger"]
                return came

        came = await done(waited)
        if came is None:
            return self._say(event, "nothing_came", seconds=f"{seconds:g}")
        what = ", ".join(f"{key} {value}" for key, value in came.items())
        return self._say(event, "came", what=what)

    async def _tried(self, function: str, what: str, limit_s: float, **given: Any) -> Any:
        path = str(self.context.station_path)
        work = partial(
            ask, f"{TRIAL}:{function}", what=f"{self.kind}.{what}", timeout_s=limit_s,
            given={"path": path, **given},
        )  # fmt: skip
        return await asyncio.to_thread(work)

    def _at_work(self, name: str, table: Mapping[str, Any]) -> bool:
        tables: Mapping[str, Any] = getattr(self.context.settings, self.kind)
        return tables.get(name) == table

    def _audited(
        self, kind: ActionKind, name: str, event: gr.Request, settings: Any = None, **about: Any
    ) -> Any:
        if settings is not None:
            about["settings"] = settings
        return audited(self.context, request_of(event), kind, where=self.kind, name=name, **about)

    def _say(self, event: gr.Request, key: str, **values: str) -> str:
        language = request_of(event).scope["language"]
        return self.context.words.say(f"station.{key}", language, **values)

    def _shown(self, event: gr.Request) -> list[Any]:
        return [
            self.table(event),
            *restart_due(self.context, request_of(event).scope["language"]),
        ]
