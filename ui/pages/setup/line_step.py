"""The sixth step: putting a recipe on the line, going back to an earlier one, confirming one that came by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from inspection.labels.labels import read_labels
from ui.core.panel import notice, table_value
from ui.pages.setup import release
from ui.pages.setup.asked import Asked
from ui.pages.setup.desk import Desk, Step
from ui.pages.setup.result import trial_message

Question = tuple[tuple[str, ...], str, str]
HERE = "background: var(--raised); font-weight: 600"


class LineStep(Step):
    """What is on the line and was before it; beside it the recipe that was trained."""

    name = "line"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        say = desk.say
        with gr.Row():
            with gr.Column(scale=3):
                gr.Markdown(say("setup.line_now"), elem_classes="title")
                self.now, self.used = notice("on-line", elem_classes="large"), notice("used")
                self.history = gr.Dataframe(
                    label=say("setup.line_history"), interactive=False, wrap=True, buttons=[],
                    elem_id="history",
                )  # fmt: skip
                with gr.Row(elem_classes="at-end"):
                    self.earlier = gr.Dropdown(
                        label=say("setup.line_earlier"), visible=False, elem_id="earlier"
                    )
                    self.back = gr.Button(say("setup.line_back"), visible=False, elem_id="go-back")
            with gr.Column(scale=2, min_width=340):
                gr.Markdown(say("setup.line_lead"))
                self.made = notice("made")
                self.changed = notice("changed", elem_classes="warn", role="alert")
                self.confirm = gr.Button(
                    say("setup.line_confirm"), variant="primary", visible=False,
                    elem_id="confirm-recipe",
                )  # fmt: skip
                self.risk = notice("risk", elem_classes="warn")
                self.told = notice("line-told")
                self.put = gr.Button(
                    say("setup.line_put"), variant="primary", size="lg", elem_id="put-on-line"
                )
        self.shown = [
            self.now, self.used, self.history, self.earlier, self.back, self.made, self.changed,
            self.confirm, self.risk, self.put,
        ]  # fmt: skip

    def missing(self, asked: Asked) -> str | None:
        """The recipe trained last, or any, must be on the line."""
        made, now = _made(asked), asked.line["recipe_id"]
        if made is None:
            return asked.me.say("setup.line_none") if now is None else None
        return None if made == now else asked.me.say("setup.line_not_yet")

    def values(self, asked: Asked) -> list[Any]:
        """What is on the line, and what may be put there."""
        line, made, say = asked.line, _made(asked), asked.me.say
        on_it = made is not None and made == line["recipe_id"]
        kept = [row for row in line["history"] if row["kept"] and row["id"] != line["recipe_id"]]
        changed = _unreleased(asked)
        earlier = [(f"{row['id'][:12]} · {_when(asked, row)}", row["id"]) for row in kept]
        return [
            (line["recipe_id"] or "—")[:12],
            say("setup.line_used", file=line["file"], names=", ".join(line["used_by"])),
            self._history(asked),
            gr.update(choices=earlier, value=kept[0]["id"] if kept else None, visible=bool(kept)),
            gr.update(visible=bool(kept)),
            self._made(asked, on_it=on_it),
            self._changed(asked, changed),
            gr.update(visible=changed is not None),
            "\n".join(self._risks(asked, on_it=on_it)),
            gr.update(interactive=made is not None and not on_it),
        ]

    def _history(self, asked: Asked) -> dict[str, Any]:
        say, line = asked.me.say, asked.line
        rows = [
            [
                row["id"][:12],
                _when(asked, row),
                row["who"] or "—",
                say("setup.line_here")
                if row["id"] == line["recipe_id"]
                else say("setup.line_kept" if row["kept"] else "setup.line_not_kept"),
            ]
            for row in line["history"]
        ]
        here = {i: HERE for i, row in enumerate(line["history"]) if row["id"] == line["recipe_id"]}
        heads = [say(f"setup.{name}") for name in ("recipe", "when", "who", "line_state")]
        return table_value(heads, rows, here)

    def _made(self, asked: Asked, *, on_it: bool) -> str:
        say, job = asked.me.say, asked.done
        if job is None or job.result is None:
            return say("setup.result_missing")
        made = str(job.result["recipe_id"])[:12]
        lines = [say("setup.line_new", id=made, n=job.about["n_good"])]
        return "\n".join([*lines, *([f"✓ {say('setup.line_is_on')}"] if on_it else [])])

    def _changed(self, asked: Asked, found: Mapping[str, Any] | None) -> str:
        """A recipe that came on the line by another way than this page."""
        if found is None:
            return ""
        released = (found.get("released") or "—")[:12]
        text = asked.me.say("setup.line_changed", id=found["recipe_id"][:12], released=released)
        withheld = [asked.me.say("setup.line_withheld")] if found["withheld"] else []
        return "\n".join([f"▲ {text}", *withheld])

    def _risks(self, asked: Asked, *, on_it: bool) -> list[str]:
        """What somebody should know before the recipe goes on the line."""
        risks = [asked.me.say("setup.line_paused")] if asked.paused else []
        if _made(asked) is not None and not on_it and (text := escaping(asked)):
            risks.append(text)
        return [f"▲ {each}" for each in risks]

    def wire(self) -> None:
        """Each is asked before it is done."""
        desk = self.desk
        desk.deeds |= {"put": self._put, "go-back": self._go_back, "confirm": self._confirm}
        desk.ask(self.put.click, self._ask_put)
        desk.ask(self.back.click, self._ask_back, [self.earlier])
        desk.ask(self.confirm.click, self._ask_confirm)

    def _ask_put(self, asked: Asked) -> Question:
        job = asked.done
        deed = ("put", job.id if job else "")
        return deed, self._affected(asked), escaping(asked)

    def _ask_back(self, asked: Asked, recipe_id: str | None) -> Question:
        return ("go-back", recipe_id or ""), self._affected(asked), ""

    def _affected(self, asked: Asked) -> str:
        return asked.me.say("setup.line_ask", names=", ".join(asked.line["used_by"]))

    def _ask_confirm(self, asked: Asked) -> Question:
        found = _unreleased(asked)
        recipe_id = str(found["recipe_id"]) if found else ""
        text = asked.me.say("setup.line_confirm_ask", id=recipe_id[:12])
        return ("confirm", recipe_id), text, ""

    async def _put(self, asked: Asked, training: str) -> str:
        context, request = self.desk.context, asked.me.request
        found = await release.put_training(context, request, asked.draft, training)
        return asked.me.say("setup.line_done", id=found["recipe_id"][:12])

    async def _go_back(self, asked: Asked, recipe_id: str) -> str:
        context, request = self.desk.context, asked.me.request
        found = await release.put_earlier(context, request, asked.draft, recipe_id)
        return asked.me.say("setup.line_done", id=found["recipe_id"][:12])

    async def _confirm(self, asked: Asked, recipe_id: str) -> str:
        await release.confirm(self.desk.context, asked.me.request, recipe_id)
        await self._until_confirmed(asked)
        return asked.me.say("setup.line_confirmed", id=recipe_id[:12])

    async def _until_confirmed(self, asked: Asked) -> None:
        """Wait for the station to say so itself."""
        await self.desk.until(lambda: _unreleased(asked) is None)


def escaping(asked: Asked) -> str:
    """How many parts labelled NG the recipe would let pass, or why that is not known; empty where none passes."""
    say, trial = asked.me.say, asked.trial
    if trial is not None and trial.running:
        return say("setup.line_trying")
    first = asked.line["recipe_id"] is None
    unknown = say("setup.line_first" if first else "setup.line_untried")
    if trial is None or trial.state != "done":
        return unknown
    found = trial_message(trial, read_labels(asked.context.store))
    escapes = found["labelled"]["recipe"]["escapes"]
    if not found["parts"] or (first and not escapes["of"]):
        return unknown
    if not escapes["count"]:
        return ""
    return say("setup.line_escapes", n=escapes["count"], of=escapes["of"])


def _made(asked: Asked) -> str | None:
    """The id of the recipe trained last."""
    job = asked.done
    return None if job is None or job.result is None else str(job.result["recipe_id"])


def _unreleased(asked: Asked) -> Mapping[str, Any] | None:
    """A recipe on the line that nobody put there from here."""
    found = (asked.status or {}).get("recipes_changed", [])
    which = asked.draft.product, asked.draft.view
    return next((each for each in found if (each["product"], each["view"]) == which), None)


def _when(asked: Asked, row: Mapping[str, Any]) -> str:
    at = row["at"]
    return asked.me.say("setup.line_before") if at is None else asked.me.wording.moment(at)
