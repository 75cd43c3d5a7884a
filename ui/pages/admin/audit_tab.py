"""The audit record on the administrator's page."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from inspection.store.chain import canonical
from inspection.store.reading.audit_log import AuditEntry, Cursor
from ui.core.context import Context
from ui.core.panel import Asker, Cell, asker, done, file_button, notice, table_value
from ui.pages.admin.audit_log import audit_page, choices, verification, verify
from ui.pages.admin.audit_words import details, kind_words
from ui.security.users import Role

FINDINGS_SHOWN = 20
TABLE = "/api/admin/audit/table.csv"
REVIEW = "/engineer/review"


class AuditHandlers:
    """Each public method answers an event; only administrators are answered."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def choices(self, event: gr.Request) -> list[Any]:
        """People and kinds to choose from."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        people, kinds = await asyncio.to_thread(choices, self.context)
        named = sorted((kind_words(kind, me.wording), kind) for kind in kinds)
        return [
            gr.update(choices=[(me.say("admin.everything"), ""), *named], value=""),
            gr.update(choices=[(me.say("admin.everybody"), ""), *((who, who) for who in people)], value=""),
        ]  # fmt: skip

    async def newest(self, kind: str | None, who: str | None, event: gr.Request) -> list[Any]:
        """The newest page of what matches."""
        return await self._page(kind, who, None, event)

    async def older(
        self, kind: str | None, who: str | None, following: Cursor | None, event: gr.Request
    ) -> list[Any]:
        """The page after the one shown."""
        return await self._page(kind, who, following, event)

    async def pick(
        self, entries: list[AuditEntry], data: gr.SelectData, event: gr.Request
    ) -> list[Any]:
        """The entry whose row was clicked, wherever sorting put it: as it was written, and where its part is."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        clicked = str(data.row_value[0]).rpartition(" ")[2]
        entry = next((each for each in entries if each.hash == clicked), None)
        if entry is None:
            return [gr.skip(), gr.skip()]
        lines = [f"{entry.at.isoformat()} · {entry.who} · {kind_words(entry.kind, me.wording)}"]
        if entry.part_id is not None:
            lines.append(f"{me.say('admin.detail_part_id')}: {entry.part_id}")
        return [
            "\n".join([*lines, canonical(entry.detail), f"sha256 {entry.hash}"]),
            gr.update(
                visible=entry.part_id is not None,
                link=f"{REVIEW}?{urlencode({'part': entry.part_id or ''})}",
            ),
        ]

    async def verify(self, event: gr.Request) -> list[Any]:
        """Begin to verify the record."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        await done(partial(verify, self.context, me.request))
        return await self.verified(event)

    async def verified(self, event: gr.Request) -> list[Any]:
        """How the verification is, and whether to look again."""
        me = asker(self.context, event, Role.ADMINISTRATOR)
        found = await asyncio.to_thread(verification, self.context.jobs)
        return [_verified(found, me), gr.Timer(active=bool(found["running"]))]

    async def _page(
        self, kind: str | None, who: str | None, before: Cursor | None, event: gr.Request
    ) -> list[Any]:
        me = asker(self.context, event, Role.ADMINISTRATOR)
        read = partial(audit_page, self.context.store, kind=kind, who=who, before=before)
        page = await done(partial(asyncio.to_thread, read))
        rows: list[list[str | Cell]] = [
            [
                Cell(f"{entry.at.isoformat()} {entry.hash}", me.wording.moment(entry.at)),
                entry.who,
                kind_words(entry.kind, me.wording),
                details(entry, me.wording),
                _part(entry, page.numbers),
            ]
            for entry in page.entries
        ]
        heads = ["when", "who", "what", "details", "part"]
        asked = urlencode({"kind": kind or "", "who": who or ""})
        return [
            table_value([me.say(f"admin.{head}") for head in heads], rows),
            page.entries,
            page.following,
            "" if rows else me.say("admin.nothing_found"),
            gr.update(interactive=page.following is not None),
            gr.update(interactive=before is not None),
            gr.update(link=f"{TABLE}?{asked}"),
            "",
            gr.update(visible=False),
        ]


def job_trouble(found: dict[str, Any], me: Asker) -> str | None:
    """Why a job came to nothing; None where it did not."""
    if not found["error"]:
        return None
    if found["error"] == "late":
        return me.say("admin.errand_late", duration=me.wording.duration(found["limit_s"]))
    return me.say("admin.errand_failed", error=found["error"])


def running_for(found: dict[str, Any], me: Asker) -> str:
    """For how long a job has been running, in words."""
    return me.wording.duration(time.time() - found["began_ms"] / 1000)


def _verified(found: dict[str, Any], me: Asker) -> str:
    if found["began_ms"] is None:
        return ""
    if found["running"]:
        return me.say("admin.verifying", duration=running_for(found, me))
    if (trouble := job_trouble(found, me)) is not None:
        return f"▲ {trouble}"
    result = found["found"]
    if result is None:
        return ""
    if not result["faults"]:
        return "✓ " + me.say(
            "admin.verified", count=result["count"], hash=result["hash"][:12],
            duration=me.wording.duration(found["took_s"]),
        )  # fmt: skip
    findings = result["findings"][:FINDINGS_SHOWN]
    return "\n".join(["▲ " + me.say("admin.broken", count=result["faults"]), *findings])


def _part(entry: AuditEntry, numbers: Any) -> Cell:
    if entry.part_id is None:
        return Cell(None, "")
    number = numbers.get(entry.part_id)
    return Cell(number, entry.part_id[:8] if number is None else f"#{number}")


def audit_tab(context: Context, say: gr.I18n) -> None:
    """Who did what, a page at a time; one of them as it was written."""
    do = AuditHandlers(context)
    on = partial(gr.on, show_progress="hidden")
    entries, following, again = gr.State([]), gr.State(None), gr.Timer(1, active=False)
    with gr.Row(elem_classes="at-end"):
        kind = gr.Dropdown(label=say("admin.what"), filterable=True, elem_id="audit-kind")
        who = gr.Dropdown(label=say("admin.who"), filterable=True, elem_id="audit-who")
        newest = gr.Button(say("admin.newest"), elem_id="newest", interactive=False)
        older = gr.Button(say("admin.older"), elem_id="older", interactive=False)
        check = gr.Button(say("admin.verify"), elem_id="verify")
        csv = file_button(say("admin.export_csv"), link=TABLE, elem_id="csv")
    verdict = notice("verdict")
    table = gr.Dataframe(buttons=[],
        interactive=False, wrap=True, max_height=1200, elem_id="audit",
        column_widths=["12%", "10%", "18%", "52%", "8%"],
    )  # fmt: skip
    nothing = notice("audit-nothing")
    with gr.Row(elem_classes="at-end"):
        written = gr.Textbox(
            label=say("admin.as_written"), info=say("admin.choose_row"), lines=3, max_lines=8,
            interactive=False, elem_id="written", scale=5,
        )  # fmt: skip
        part = gr.Button(say("admin.to_part"), visible=False, elem_id="to-part", scale=1)
    shown = [table, entries, following, nothing, older, newest, csv, written, part]
    on(fn=do.choices, outputs=[kind, who])
    on(fn=do.newest, inputs=[kind, who], outputs=shown)
    on([kind.input, who.input, newest.click], do.newest, [kind, who], shown)
    on(older.click, do.older, [kind, who, following], shown)
    on(table.select, do.pick, entries, [written, part])
    on(fn=do.verified, outputs=[verdict, again])
    on(again.tick, do.verified, None, [verdict, again])
    on(check.click, do.verify, None, [verdict, again])
