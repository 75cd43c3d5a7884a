"""Whether the record is as it was written: started, given up, and what was found."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import gradio as gr

from inspection.jobs import VERIFY, Job
from inspection.jobs.status_file import CANCELLED
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.background import start_verification
from ui.core.context import Context
from ui.core.panel import Asker, asker, done, notice
from ui.security.users import Role


class Verification:
    """Each public method answers an event."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def start(self, pictures: bool, event: gr.Request) -> list[Any]:
        """Begin to read the whole record again; noted first."""
        me = asker(self.context, event, Role.ENGINEER)
        jobs, settings = self.context.jobs, self.context.settings

        async def begun() -> None:
            if await asyncio.to_thread(jobs.running, VERIFY):
                return
            about = {"pictures": bool(pictures)}
            async with audited(self.context, me.request, ActionKind.RECORD_VERIFIED, **about):
                await asyncio.to_thread(
                    start_verification, jobs, settings, who=me.name, pictures=bool(pictures)
                )

        await done(begun)
        return await self.state(event)

    async def cancel(self, event: gr.Request) -> list[Any]:
        """Give it up."""
        me = asker(self.context, event, Role.ENGINEER)

        async def given_up() -> None:
            if job := await asyncio.to_thread(self.context.jobs.running, VERIFY):
                async with audited(self.context, me.request, ActionKind.VERIFICATION_CANCELLED):
                    await asyncio.to_thread(self.context.jobs.cancel, job.id)

        await done(given_up)
        return await self.state(event)

    async def state(self, event: gr.Request) -> list[Any]:
        """What was found, and whether to look again."""
        me = asker(self.context, event, Role.ENGINEER)
        newest = await asyncio.to_thread(self.context.jobs.newest_first, VERIFY)
        job = next(iter(newest), None)
        running = job is not None and job.running
        return [
            told(job, me),
            gr.update(interactive=not running),
            gr.update(visible=running),
            gr.Timer(active=running),
        ]


def told(job: Job | None, me: Asker) -> str:
    """What the last reading found, line by line."""
    if job is None or job.state == CANCELLED:
        return ""
    if job.running:
        return me.say("reports.verifying", seconds=round(job.seconds))
    if job.error or not job.result:
        return job.error or ""
    found = job.result
    what = me.say("reports.rows_and_pictures" if found["pictures"] else "reports.rows_only")
    values = {
        "count": me.wording.number(found["head"]["count"]), "hash": found["head"]["hash"], "what": what,
        "faults": found["count"], "seconds": f"{found['seconds']:.1f}",
    }  # fmt: skip
    if not found["count"]:
        return "✓ " + me.say("reports.verify_good", **values)
    return "\n".join(["▲ " + me.say("reports.verify_bad", **values), *found["findings"]])


def verify_tab(context: Context, say: gr.I18n) -> None:
    """Started and given up; looked at again every second while it runs."""
    do, on, again = (
        Verification(context),
        partial(gr.on, show_progress="hidden"),
        gr.Timer(1, active=False),
    )
    gr.Markdown(say("reports.verify_about"))
    with gr.Row(elem_classes="at-end"):
        pictures = gr.Checkbox(label=say("reports.verify_pictures"), elem_id="verify-pictures")
        start = gr.Button(say("reports.verify_start"), variant="primary", elem_id="verify-start")
        cancel = gr.Button(say("reports.verify_cancel"), visible=False, elem_id="verify-cancel")
    found = notice("verified")
    shown = [found, start, cancel, again]
    on(fn=do.state, outputs=shown)
    on(again.tick, do.state, None, shown)
    on(start.click, do.start, pictures, shown)
    on(cancel.click, do.cancel, None, shown)
