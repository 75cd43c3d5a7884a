"""Station health on the administrator's page: everything a support engineer asks, once a second."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import gradio as gr

from ui.core.context import Context
from ui.core.panel import asker, done, file_button, notice, shown, table_value
from ui.pages.admin.audit_tab import job_trouble, running_for
from ui.pages.admin.figures import SECTIONS, Figures, Row, Section, as_text
from ui.pages.admin.health import MachineFacts, examination, examine
from ui.security.users import Role

COLUMNS = (
    ("station", "parts"),
    ("cameras", "recipes", "processes", "storage"),
    ("latencies", "queues", "outputs"),
)
"""Which tables stand below each other."""
WIDTHS: dict[str, list[str | int]] = {
    **{name: ["45%", "55%"] for name in ("station", "parts", "queues", "storage")},
    "outputs": ["25%", "22%", "53%"],
    "recipes": ["20%", "30%", "50%"],
    "processes": ["30%", "25%", "25%", "20%"],
}
HEADLESS = ("station", "parts", "queues", "storage")
TITLES = {name: f"admin.{name}" for name in SECTIONS} | {"parts": "admin.parts_since_start"}
BAD, GOOD = "color: var(--bad)", "color: var(--good)"
COPY = (
    """(text) => import(location.origin + "/static/shared/forms.js").then(({copy}) => copy(text))"""
)
HEALTH = "/api/admin/health"


class HealthHandlers:
    """Each public method answers an event; only administrators are answered."""

    def __init__(self, context: Context, facts: MachineFacts) -> None:
        self.context, self.facts = context, facts

    async def show(self, event: gr.Request) -> list[Any]:
        """The time, and every table as it is now; what is not known has none."""
        at, sections = await self._now(event)
        return [at, *(_table(sections.get(name)) for name in SECTIONS)]

    async def text(self, event: gr.Request) -> str:
        """The same tables as text."""
        at, sections = await self._now(event)
        return as_text(sections, at)

    async def copied(self, event: gr.Request) -> str:
        """Say that it was copied."""
        return asker(self.context, event, Role.ADMINISTRATOR).say("admin.copied")

    async def parity(self, event: gr.Request) -> list[Any]:
        """Have the station judge its recipes' references again."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = await done(partial(self.context.runtime.do, "parity", who=me.name))
        rows = [
            Row(
                [
                    f"{each['view']} · {each['product']}",
                    each["recipe_id"][:12],
                    each.get("error") or me.wording.parity(each),
                    me.say(f"admin.file_{each['file']}"),
                ],
                well=not each.get("error") and each["file"] == "same",
            )
            for each in found["recipes"]
        ]
        heads = [me.say(f"admin.{head}") for head in ("view", "recipe_id", "parity", "detail_file")]
        return [me.say("admin.parity_title"), _table(Section("", heads, rows))]

    async def examine(self, event: gr.Request) -> list[Any]:
        """Begin to examine the machine."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        await done(partial(examine, self.context, me.request))
        return await self.examined(event)

    async def examined(self, event: gr.Request) -> list[Any]:
        """What was found, or that it goes on, and whether to look again."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = await asyncio.to_thread(examination, self.context.jobs)
        again = gr.Timer(active=bool(found["running"]))
        if found["running"]:
            text = me.say("admin.examining", duration=running_for(found, me))
            return [text, gr.update(visible=False), again]
        if (trouble := job_trouble(found, me)) is not None or found["found"] is None:
            return [f"▲ {trouble}" if trouble else "", gr.update(visible=False), again]
        wells = {"ok": True, "PROBLEM": False}
        rows = [
            Row(
                [me.say(f"admin.mark_{each['mark']}"), each["what"], each["text"]],
                well=wells.get(each["mark"]),
            )
            for each in found["found"]["findings"]
        ]
        heads = [me.say(f"admin.{head}") for head in ("state", "what", "details")]
        return [me.say("admin.doctor_title"), _table(Section("", heads, rows)), again]

    async def _now(self, event: gr.Request) -> tuple[str, dict[str, Section]]:
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = await asyncio.to_thread(self.facts.now)
        at = me.say("admin.as_of", time=me.wording.moment(found["at_ms"] / 1000))
        return at, Figures(found, me.wording).sections()


def _table(section: Section | None) -> Any:
    if section is None:
        return gr.update(visible=False)
    marked = [
        [f"▲ {shown(row.cells[0])}", *row.cells[1:]] if row.well is False else list(row.cells)
        for row in section.rows
    ]
    wells = {place: row.well for place, row in enumerate(section.rows) if row.well is not None}
    styles = {place: GOOD if well else BAD for place, well in wells.items()}
    return gr.update(value=table_value(section.head, marked, styles), visible=True)


def health_tab(context: Context, say: gr.I18n, facts: MachineFacts) -> gr.Timer:
    """The tables, drawn anew at each tick of the timer that is given back."""
    do = HealthHandlers(context, facts)
    on = partial(gr.on, show_progress="hidden")
    tick, again = gr.Timer(1, active=False), gr.Timer(1, active=False)
    with gr.Row(equal_height=True):
        parity = gr.Button(say("admin.check_parity"), elem_id="parity")
        doctor = gr.Button(say("admin.doctor"), elem_id="doctor")
        copy = gr.Button(say("admin.copy_text"), elem_id="copy")
        file_button(say("admin.download_json"), link=HEALTH, elem_id="json")
        at = notice("as-of")
    told = notice("health-told")
    found = gr.Dataframe(buttons=[], interactive=False, wrap=True, visible=False, elem_id="found")
    text = gr.Textbox(visible=False)
    tables: dict[str, gr.Dataframe] = {}
    with gr.Row():
        for names in COLUMNS:
            with gr.Column(min_width=360):
                for name in names:
                    tables[name] = gr.Dataframe(
                        label=say(TITLES[name]), interactive=False, wrap=True,
                        elem_id=f"health-{name}", buttons=[], column_widths=WIDTHS.get(name),
                        elem_classes=["figures", "headless"] if name in HEADLESS else "figures",
                    )  # fmt: skip
    on([tick.tick], do.show, None, [at, *(tables[name] for name in SECTIONS)])
    copied = on(copy.click, do.text, None, text).success(fn=None, inputs=text, js=COPY)
    copied.success(do.copied, None, told, show_progress="hidden")
    on(parity.click, do.parity, None, [told, found])
    on(doctor.click, do.examine, None, [told, found, again])
    on(again.tick, do.examined, None, [told, found, again])
    return tick
