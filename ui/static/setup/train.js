// Training: what to choose, how far it is, and stopping it.
import {call, el, has, t} from "/static/shared/base.js";
import {dateTime} from "/static/shared/format.js";
import {promiseText} from "/static/setup/good.js";

const IMPATIENT_MS = 8000;
const EFFORTS = ["fast", "balanced", "thorough"];
let here = null;

export const missing = (app) => {
  const job = app.state.training;
  if (!job) return t("setup.train_not_yet");
  return job.state === "done" ? null : t(`setup.job_${job.state}`);
};

export function open(app, place) {
  here = {job: el("section", {class: "job", role: "status"}), promise: el("p", {class: "counter"}), cancelled: null, seen: null, tell: () => {}};
  const form = options(app);
  place.append(el("section", {class: "stage scroll"}, here.job), el("aside", {}, el("p", {class: "lead"}, t("setup.train_lead")), form));
  changed(app);
}

export function changed(app) {
  here.promise.textContent = promiseText(app.state.promise);
  drawJob(app);
  const start = document.querySelector("[data-do=train]");
  if (start) start.disabled = app.state.running !== null || app.state.good.length < 5;
}

export const progressed = (app) => drawJob(app);

function options(app) {
  const {options: now} = app.state;
  const number = (name, value, limits) => el("input", {type: "number", name, step: "any", value, ...limits});
  const percents = {min: 0.01, max: 99, required: true}, share = ({value}) => Number((Number(value) / 100).toPrecision(6));
  const budget = number("false_reject", 100 * now.false_reject, {...percents, max: 50});
  const review = number("review", 100 * now.review, percents);
  const size = number("image_size", now.image_size ?? "", {min: 64, max: 2048, step: 1, placeholder: t("setup.size_by_effort")});
  const seed = number("seed", now.seed, {min: 0, step: 1, required: true});
  const bad = el("input", {type: "checkbox", name: "labelled_bad", checked: now.labelled_bad && app.state.labelled_bad > 0, disabled: app.state.labelled_bad === 0});
  const model = el("select", {name: "model"}, ...app.state.models.map((name) => el("option", {value: name, selected: name === now.model}, name)));
  const why = el("small", {data: {why: now.model}}, modelWhy(now.model));
  const chosen = () => ({model: model.value, false_reject: share(budget), review: share(review), effort: form.elements.effort.value,
    image_size: size.value === "" ? null : Number(size.value), seed: Number(seed.value), labelled_bad: bad.disabled ? now.labelled_bad : bad.checked});
  const form = el("form", {class: "settings"},
    el("label", {class: "field"}, t("setup.false_reject"), budget, el("span", {}, "%")), here.promise,
    el("label", {class: "field"}, t("setup.review"), review, el("span", {}, "%")),
    el("fieldset", {class: "effort"}, el("legend", {}, t("setup.effort")), ...EFFORTS.map((effort) => el("label", {},
      el("input", {type: "radio", name: "effort", value: effort, checked: now.effort === effort}),
      el("b", {}, t(`setup.effort_${effort}`)), el("small", {}, t(`setup.effort_${effort}_why`))))),
    el("label", {class: "field"}, t("setup.model"), model), why,
    el("label", {class: "field"}, t("setup.image_size"), size, el("span", {}, "px")),
    el("label", {class: "field"}, t("setup.seed"), seed),
    el("label", {class: "check"}, bad, t(app.state.labelled_bad ? "setup.labelled_bad" : "setup.labelled_bad_none", {n: app.state.labelled_bad})),
    el("div", {class: "row"}, el("button", {class: "go", data: {do: "train"}}, t("setup.train_start"))),
    el("small", {}, t("setup.train_note")));
  form.onchange = async () => {
    why.textContent = modelWhy(model.value);
    if (!form.checkValidity()) return;
    await call("/api/engineer/setup/options", {...app.which, options: chosen()});
    await app.reload();
  };
  form.onsubmit = async (event) => {
    event.preventDefault();
    const answer = await app.post("train", {options: chosen()});
    if (!answer.ok) return;
    here.cancelled = null;
    Object.assign(app.state, {training: answer.job, running: answer.job});
    app.changed();
  };
  return form;
}

const modelWhy = (name) => t(has(`setup.model_${name}_why`) ? `setup.model_${name}_why` : "setup.model_other_why");

export const stage = (job) => {
  const key = `setup.stage_${job.stage.toLowerCase().replace(/\W+/g, "_")}`;
  return job.stage === "" ? t("setup.stage_starting") : has(key) ? t(key) : job.stage;
};

function drawJob(app) {
  const {training, running} = app.state;
  const job = running ?? training;
  here.job.dataset.state = job?.state ?? "none";
  here.job.dataset.job = job?.id ?? "";
  if (!job) { here.job.replaceChildren(el("h2", {}, t("setup.train_none"))); return; }
  const seen = JSON.stringify([job.id, job.state, job.error, here.cancelled, late()]);
  if (job.state === "running" && here.seen === seen) { here.tell(job); return; }
  here.seen = seen;
  const other = job.product !== app.state.product || job.view !== app.state.view;
  here.job.replaceChildren(
    el("h2", {}, other ? t("setup.job_other", {product: job.product, view: job.view}) : t(`setup.${job.kind}_${job.state}`)),
    el("p", {class: "dim"}, t("setup.job_by", {who: job.who, at: dateTime(job.at)})),
    ...(job.state === "running" ? bars(app, job) : []),
    job.error ? el("p", {class: "error", role: "alert"}, job.error) : "",
    job.state === "done" && !other ? el("button", {class: "go", data: {do: "see-result"}, onclick: () => app.show("result")}, t("setup.see_result")) : "");
}

const late = () => here.cancelled !== null && performance.now() - here.cancelled > IMPATIENT_MS;

/** What a job under way shows; `here.tell` brings it up to date without replacing the button. */
function bars(app, job) {
  const name = el("p", {class: "stage-name"}), bar = el("span", {}), seconds = el("p", {});
  const meter = el("div", {class: "meter big", role: "progressbar", "aria-valuemin": 0}, bar);
  here.tell = (now) => {
    const between = !now.of || now.done >= now.of;  // the next step has not told of itself yet
    name.textContent = [now.step ? t("setup.step_n", {n: now.step}) : "", stage(now), between ? "" : t("setup.done_of", {done: now.done, of: now.of})].join(" ");
    meter.classList.toggle("between", between);
    bar.style.width = `${now.of ? 100 * now.done / now.of : 0}%`;
    meter.setAttribute("aria-valuemax", now.of);
    meter.setAttribute("aria-valuenow", now.done);
    seconds.textContent = t("setup.seconds", {n: now.seconds.toFixed(0)});
  };
  here.tell(job);
  const atOnce = late();
  const cancel = async () => {
    const answer = await app.post("cancel", {job: job.id, at_once: atOnce});
    if (answer.ok) { here.cancelled = performance.now(); drawJob(app); }
  };
  return [name, meter, seconds,
    here.cancelled !== null && !atOnce ? el("p", {}, t("setup.cancelling"))
      : el("button", {data: {do: "cancel"}, onclick: cancel}, t(atOnce ? "setup.cancel_at_once" : "setup.cancel")),
    el("p", {class: "dim"}, t("setup.train_safe"))];
}
