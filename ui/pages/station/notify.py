"""The tab of notifications: which events are told, by mail or webhook, and a test notification."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from inspection.notifications.ledger import NAME, read_ledger
from inspection.plant.notices import NOTIFIERS, notifier_class
from inspection.station.notify_settings import ALL, NotifySettings
from inspection.station.own_process import ask
from inspection.station.station_file import read_station, settings_for
from inspection.station.station_tables import remove_link, set_link, set_table
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.panel import done, request_of
from ui.core.restart import restart_due
from ui.core.settings_form import component_of, setting_fields, settings_given
from ui.pages.station.allowed import check_allowed
from ui.pages.station.shown import shown_settings
from ui.words import LANGUAGES

TRIAL = "inspection.notifications.trial:send_test"
SEND_S = 30.0
on = partial(gr.on, show_progress="minimal")


def notify_tab(context: Context, say: gr.I18n, shown: list[Any]) -> None:
    """Lay out the tab; `shown` is the line of the restart."""
    ways, known = Ways(context), context.words.keys
    table = gr.Dataframe(interactive=False, wrap=True, elem_id="notify-table")
    way = gr.Dropdown(
        list(NOTIFIERS), value=NOTIFIERS[0], label=say("station.notify_way"), elem_id="notify"
    )

    def form(name: str) -> None:
        now, parts = ways.now(name) or {}, {}
        with gr.Row(elem_classes="station-form"):
            for field in setting_fields(notifier_class(name)):
                value = now.get(field.name, field.default)
                made = component_of(field, value, say=say, known=known, where="notify")
                parts[made] = field.name
        with gr.Row():
            send = gr.Button(say("station.notify_test"), elem_id="notify-test")
            keep = gr.Button(say("station.keep"), variant="primary", elem_id="notify-keep")
            remove = gr.Button(say("station.remove"), elem_id="notify-remove")
        answer = gr.Textbox(
            value="", label=say("station.answer"), interactive=False, elem_id="notify-answer"
        )

        def values(given: dict[Any, Any]) -> dict[str, Any]:
            return {name: given[part] for part, name in parts.items()}

        async def sent(given: dict[Any, Any], event: gr.Request) -> str:
            return await ways.send(name, values(given), event)

        async def kept(given: dict[Any, Any], event: gr.Request) -> list[Any]:
            return await ways.keep(name, values(given), event)

        async def removed(event: gr.Request) -> list[Any]:
            return await ways.remove(name, event)

        on(send.click, sent, set(parts), answer)
        on(keep.click, kept, set(parts), [table, *shown])
        on(remove.click, removed, None, [table, *shown])

    gr.render(inputs=way)(form)
    with gr.Row():
        events = gr.CheckboxGroup(
            label=say("station.notify_events"), elem_id="notify-events", interactive=True
        )
        with gr.Column(scale=0, min_width=280):
            language = gr.Dropdown(
                list(LANGUAGES), label=say("station.notify_language"), elem_id="notify-language",
                interactive=True,
            )  # fmt: skip
            again = gr.Number(
                label=say("station.notify_again"), minimum=0.1, maximum=168, interactive=True,
                elem_id="notify-again",
            )  # fmt: skip
            keep_rules = gr.Button(say("station.notify_keep"), elem_id="notify-keep-rules")
    rules = [events, language, again]
    on(keep_rules.click, ways.keep_rules, rules, [table, *shown])
    on(fn=ways.rules, outputs=rules)
    on(fn=ways.table, outputs=table)


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways by which a station tells people, and what it tells."""

    context: Context

    def now(self, name: str) -> Mapping[str, Any] | None:
        """A way's table in the station file as it is now, None where it has none."""
        return self._settings().ways.get(name)

    def table(self, event: gr.Request) -> dict[str, Any]:
        """The ways in the station file, their settings, and why one took nothing."""
        problems = read_ledger(self.context.settings.page_folder / NAME).get("problems", {})
        heads = ("name", "settings", "notify_problem")
        return {
            "headers": [self._say(event, f"head_{each}") for each in heads],
            "data": [
                [
                    name,
                    ", ".join(f"{key} = {value}" for key, value in shown_settings(given).items()),
                    problems.get(name, ""),
                ]
                for name, given in self._settings().ways.items()
            ],
        }

    def rules(self, event: gr.Request) -> list[Any]:
        """Which events, in which language, how often: as the station file says."""
        now = self._settings()
        words, language = self.context.words, request_of(event).scope["language"]
        choices = [(words.say(f"station.event_{each}", language), each) for each in ALL]
        return [
            gr.update(choices=choices, value=list(now.events)),
            now.language,
            now.again_after_h,
        ]

    async def send(self, name: str, values: Mapping[str, Any], event: gr.Request) -> str:
        """Send a test notification with what the form says, written or not."""
        request = request_of(event)
        who, language = request.scope["user"].name, self._settings().language

        async def sent() -> None:
            table = await asyncio.to_thread(self._given, name, values)
            async with self._audited(ActionKind.NOTIFIER_TESTED, event, name=name):
                given = {
                    "path": str(self.context.station_path), "name": name, "settings": table,
                    "who": who, "language": language,
                }  # fmt: skip
                work = partial(ask, TRIAL, what=f"notify.{name}", timeout_s=SEND_S, given=given)
                await asyncio.to_thread(work)

        await done(sent)
        return self._say(event, "notify_sent")

    async def keep(self, name: str, values: Mapping[str, Any], event: gr.Request) -> list[Any]:
        """Write a way into the station file."""

        async def kept() -> None:
            table = await asyncio.to_thread(self._given, name, values)
            about = {"name": name, "settings": shown_settings(table)}
            async with self._audited(ActionKind.NOTIFIER_SET, event, **about):
                path = self.context.station_path
                await asyncio.to_thread(set_link, path, "notify", name, table)

        await done(kept)
        return self._shown(event)

    async def remove(self, name: str, event: gr.Request) -> list[Any]:
        """Take a way out of the station file."""

        async def removed() -> None:
            async with self._audited(ActionKind.NOTIFIER_REMOVED, event, name=name):
                await asyncio.to_thread(remove_link, self.context.station_path, "notify", name)

        await done(removed)
        return self._shown(event)

    async def keep_rules(
        self, events: list[str], language: str, again: float, event: gr.Request
    ) -> list[Any]:
        """Write into the station file which events are told, in which language, and how often."""
        rules = {
            "events": [each for each in ALL if each in events],
            "language": language,
            "again_after_h": float(again or 0),
        }

        async def kept() -> None:
            async with self._audited(ActionKind.NOTIFIER_SET, event, settings=rules):
                await asyncio.to_thread(set_table, self.context.station_path, "notify", rules)

        await done(kept)
        return self._shown(event)

    def _settings(self) -> NotifySettings:
        return read_station(self.context.station_path).notify or NotifySettings()

    def _given(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The table a form asks for, checked. Raises SetupError."""
        driver, before, where = notifier_class(name), self.now(name) or {}, f"notify.{name}"
        fields = setting_fields(driver)
        table = settings_given(fields, values, before)
        check_allowed(self.context, where, fields, table, before)
        settings_for(driver, table, where=where, home=self.context.settings.home)
        return table

    def _audited(self, kind: ActionKind, event: gr.Request, **about: Any) -> Any:
        return audited(self.context, request_of(event), kind, **about)

    def _say(self, event: gr.Request, key: str) -> str:
        return self.context.words.say(f"station.{key}", request_of(event).scope["language"])

    def _shown(self, event: gr.Request) -> list[Any]:
        return [
            self.table(event),
            *restart_due(self.context, request_of(event).scope["language"]),
        ]
