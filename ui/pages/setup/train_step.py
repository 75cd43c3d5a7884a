"""The fourth step: what is chosen before a training, how far it is, and stopping it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import gradio as gr

from inspection.jobs import Job
from inspection.training.good_pictures import MIN_GOOD
from inspection.training.options import EFFORTS
from ui.core.errors import checked
from ui.core.panel import notice
from ui.pages.setup import training_actions
from ui.pages.setup.asked import Asked
from ui.pages.setup.desk import Desk, Step
from ui.pages.setup.result import promise
from ui.pages.setup.sentences import measured_text, needs_text, promise_text, stage
from ui.pages.setup.training import Options, models_not_ready, offered_models
from ui.pages.setup.training_actions import labelled_bad

IMPATIENT_S = 8.0
"""After so long somebody who cancels may end a training without asking it."""
BAR = """
{{#if value.running}}{{#if value.of}}<progress class="big" value="{{value.done}}" max="{{value.of}}"></progress>
{{else}}<progress class="big"></progress>{{/if}}{{/if}}
"""


class TrainStep(Step):
    """The job at work, else the last training of this product and view; beside it the choices."""

    name = "train"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        say = desk.say
        with gr.Row():
            with gr.Column(scale=3, min_width=420):
                self._choices(say)
            with gr.Column(scale=2, min_width=360, elem_id="job"):
                gr.Markdown(say("setup.train_lead"))
                self.start = gr.Button(
                    say("setup.train_start"), variant="primary", interactive=False, elem_id="train"
                )
                gr.Markdown(say("setup.train_note"))
                self.told = notice("train-told")
                self._work(say)
        self.job = [
            self.head, self.about, self.stage, self.bar, self.error, self.cancel,
            self.leads["result"], self.start,
        ]  # fmt: skip
        self.shown = [
            *self.job, *self.chosen, self.promise, self.why, self.not_ready, self.missing_models,
        ]  # fmt: skip

    def _work(self, say: gr.I18n) -> None:
        self.head = notice("job-head", elem_classes="headline")
        self.about, self.stage = notice("job-about"), notice("job-stage")
        self.bar = gr.HTML(value={}, html_template=BAR, apply_default_css=False, elem_id="job-bar")
        self.error = notice("job-error", elem_classes="red", role="alert")
        self.cancel = gr.Button(say("setup.cancel"), visible=False, elem_id="cancel")
        self.leads["result"] = gr.Button(
            say("setup.see_result"), variant="primary", visible=False, elem_id="see-result"
        )

    def _choices(self, say: gr.I18n) -> None:
        """Nothing is chosen before `values` are there: they would take it back."""
        usual = Options()
        with gr.Row():
            self.false_reject, self.review = (
                gr.Number(
                    _percent(share), label=say(f"setup.{name}"), min_width=180,
                    elem_id=name.replace("_", "-"), interactive=False,
                )
                for name, share in (
                    ("false_reject", usual.false_reject), ("review", usual.review),
                )
            )  # fmt: skip
        self.promise = notice("promise")
        self.effort = gr.Radio(
            list(EFFORTS),
            value=usual.effort,
            label=say("setup.effort"),
            elem_id="effort",
            elem_classes="lines",
            interactive=False,
        )
        self.model = gr.Dropdown(
            offered_models(), value=usual.model, label=say("setup.model"), elem_id="model",
            interactive=False,
        )  # fmt: skip
        self.why = notice("why")
        with gr.Accordion(
            say("setup.models_not_ready"), open=False, elem_id="models-not-ready"
        ) as self.not_ready:
            self.missing_models = notice("missing-models")
        with gr.Row():
            self.size = gr.Textbox(
                label=say("setup.image_size"), placeholder=say("setup.size_by_effort"),
                max_length=10, min_width=180, elem_id="image-size", interactive=False,
            )  # fmt: skip
            self.seed = gr.Number(
                label=say("setup.seed"), precision=0, min_width=120, elem_id="seed",
                interactive=False,
            )  # fmt: skip
        self.bad = gr.Checkbox(
            label=say("setup.labelled_bad_none"), elem_id="labelled-bad", interactive=False
        )
        self.chosen: list[Any] = [
            self.false_reject, self.review, self.effort, self.model, self.size, self.seed, self.bad,
        ]  # fmt: skip

    def missing(self, asked: Asked) -> str | None:
        """There must be a training that is done."""
        if asked.training is None:
            return asked.me.say("setup.train_not_yet")
        done = asked.training.state == "done"
        return None if done else asked.me.say(f"setup.job_{asked.training.state}")

    def values(self, asked: Asked) -> list[Any]:
        """The job, and what was chosen last."""
        now, say = asked.options, asked.me.say
        bad = len(labelled_bad(self.desk.context, asked.draft))
        efforts = [
            (f"{say(f'setup.effort_{each}')}: {say(f'setup.effort_{each}_why')}", each)
            for each in EFFORTS
        ]
        label = say("setup.labelled_bad" if bad else "setup.labelled_bad_none", n=bad)
        ready = partial(gr.update, interactive=True)
        return [
            *self._job(asked),
            ready(value=_percent(now.false_reject)),
            ready(value=_percent(now.review)),
            ready(choices=efforts, value=now.effort),
            ready(choices=offered_models(), value=now.model),
            ready(value="" if now.image_size is None else str(now.image_size)),
            ready(value=now.seed),
            gr.update(value=now.labelled_bad and bad > 0, label=label, interactive=bad > 0),
            *self._consequences(asked, now),
            *self._absent(),
        ]

    @staticmethod
    def _absent() -> list[Any]:
        """The models that cannot be trained here, and what each lacks."""
        lines = [f"{name}: {missing}" for name, missing in models_not_ready().items()]
        return [gr.update(visible=bool(lines)), "\n".join(lines)]

    def follow(self, asked: Asked) -> list[Any]:
        """How far the job is; what a person chooses is left alone."""
        return [*self._job(asked), *[gr.skip()] * (len(self.shown) - len(self.job))]

    def _consequences(self, asked: Asked, now: Options) -> list[str]:
        """What follows from the choices: the promise, and what the model is for."""
        wording, key = asked.me.wording, f"setup.model_{now.model}_why"
        about = wording.said(key, wording.say("setup.model_other_why"))
        return [
            promise_text(asked.me, promise(len(asked.names), now.false_reject)),
            "\n".join(
                [
                    about,
                    measured_text(asked.me, now.model, now.effort),
                    needs_text(asked.me, now.model),
                ]
            ),
        ]

    def _job(self, asked: Asked) -> list[Any]:
        job, say = asked.running or asked.training, asked.me.say
        free = asked.running is None or training_actions.tries(asked.running, asked.draft)
        ready = gr.update(interactive=free and len(asked.names) >= MIN_GOOD)
        hidden = gr.update(visible=False)
        if job is None:
            return [say("setup.train_none"), "", "", {}, "", hidden, hidden, ready]
        other = (job.about["product"], job.about["view"]) != (asked.draft.product, asked.draft.view)
        which = {name: job.about[name] for name in ("product", "view")}
        between = not job.of or job.done >= job.of  # the next step has not told of itself yet
        bar = {"running": job.running, "done": job.done, "of": 0 if between else job.of}
        return [
            say("setup.job_other", **which) if other else say(f"setup.{job.kind}_{job.state}"),
            say("setup.job_by", who=job.who, at=asked.me.wording.moment(job.at)),
            self._stage(asked, job, between=between) if job.running else "",
            bar,
            job.error or "",
            self._cancel(asked, job),
            gr.update(visible=job.state == "done" and not other),
            ready,
        ]

    def _stage(self, asked: Asked, job: Job, *, between: bool) -> str:
        say = asked.me.say
        parts = [
            say("setup.step_n", n=job.step) if job.step else "",
            stage(asked.me, job),
            "" if between else say("setup.done_of", done=job.done, of=job.of),
        ]
        lines = [" ".join(filter(None, parts)), say("setup.seconds", n=f"{job.seconds:.0f}")]
        return "\n".join([*lines, say("setup.train_safe")])

    def _cancel(self, asked: Asked, job: Job) -> Any:
        """The button: asks at first, and ends a job at once that does not listen."""
        waited_s = _cancelled_s(job)
        late = waited_s is not None and waited_s > IMPATIENT_S
        key = "cancel" if waited_s is None else "cancel_at_once" if late else "cancelling"
        return gr.update(
            visible=job.running,
            value=asked.me.say(f"setup.{key}"),
            interactive=waited_s is None or late,
        )

    def wire(self) -> None:
        """Choices are kept as they are made; training is begun and cancelled."""
        typed = (self.false_reject, self.review, self.size, self.seed)
        made = [event for each in typed for event in (each.blur, each.submit)]
        made += [each.input for each in (self.effort, self.model, self.bad)]
        self.desk.note(made, self._choose, self.chosen, [self.promise, self.why])
        self.desk.act(
            self, self.start.click, self._train, self.chosen,
            lambda asked: asked.me.say("setup.train_begins"),
        )  # fmt: skip
        self.desk.act(self, self.cancel.click, self._cancelled)

    async def _choose(self, asked: Asked, *given: Any) -> list[str]:
        options = await asyncio.to_thread(self._options, asked, *given)
        if options != asked.options:
            await training_actions.choose(self.desk.context, asked.me.request, asked.draft, options)
        return await asyncio.to_thread(self._consequences, asked, options)

    async def _train(self, asked: Asked, *given: Any) -> None:
        options = await asyncio.to_thread(self._options, asked, *given)
        await training_actions.train(self.desk.context, asked.me.request, asked.draft, options)

    async def _cancelled(self, asked: Asked) -> None:
        job = await asyncio.to_thread(lambda: asked.running or asked.training)
        if job is not None:
            at_once = (_cancelled_s(job) or 0.0) > IMPATIENT_S
            await training_actions.cancel(
                self.desk.context, asked.me.request, job.id, at_once=at_once
            )

    def _options(self, asked: Asked, *given: Any) -> Options:
        """What was chosen; called in a thread. Raises Refuse."""
        false_reject, review, effort, model, size, seed, bad = given
        now, any_bad = asked.options, bool(labelled_bad(self.desk.context, asked.draft))
        return checked(
            Options,
            false_reject=_share(false_reject),
            review=_share(review),
            effort=effort,
            model=model,
            image_size=size.strip() or None,
            seed=seed,
            labelled_bad=bad if any_bad else now.labelled_bad,
        )


def _cancelled_s(job: Job) -> float | None:
    """How long ago it was asked to end."""
    try:
        return time.time() - (job.folder / "cancelled").stat().st_mtime
    except OSError:
        return None


def _percent(share: float) -> float:
    return float(f"{100 * share:.6g}")


def _share(percent: Any) -> Any:
    return float(f"{percent / 100:.6g}") if isinstance(percent, (int, float)) else percent
