// The set-up page: six steps on one screen, their state kept by the station, not by the browser.
import {call, el, live, t, toast} from "/static/shared/base.js";
import {bar} from "/static/shared/bar.js";
import {confirmed} from "/static/shared/dialog.js";
import * as camera from "/static/setup/camera.js";
import * as good from "/static/setup/good.js";
import * as line from "/static/setup/line.js";
import * as result from "/static/setup/result.js";
import * as train from "/static/setup/train.js";
import * as where from "/static/setup/where.js";

const STEPS = {camera, where, good, train, result, line};
const API = "/api/engineer/setup";
const POLL_MS = 500;

/** What every step gets: the draft as the station has it, and ways to ask for more. */
class App {
  constructor() {
    this.state = null;
    this.status = null;
    this.looked = false;
    this.step = null;
    this.close = () => {};
  }

  get which() { return {product: this.state.product, view: this.state.view}; }

  url(path, more = {}) { return `${API}/${path}?${new URLSearchParams({...this.which, ...more})}`; }

  get(path, more = {}) { return call(this.url(path, more)); }

  /** Ask for something to be done; a refusal is shown in one line. */
  async post(path, body = {}) {
    const answer = await call(`${API}/${path}`, {...this.which, ...body});
    if (!answer.ok) toast(answer.error, "bad");
    return answer;
  }

  async reload(which = this.which) {
    const answer = await call(`${API}/state?${new URLSearchParams(which)}`);
    if (!answer.ok) return toast(answer.error, "bad");
    const {ok, ...state} = answer;
    this.state = state;
    this.changed();
  }

  /** Whether the cameras may be used. */
  get paused() { return this.status?.paused === true; }

  station(verb) { return call(`/api/operator/${verb}`, {}); }
}

export async function start(element) {
  const app = new App();
  const steps = el("nav", {class: "steps", "aria-label": t("setup.steps")});
  const place = el("main", {class: "step"});
  const station = el("div", {class: "station"});
  const choice = el("div", {class: "choice"});
  element.append(bar("setup"), el("div", {class: "head"}, choice, station), el("div", {class: "body"}, steps, place));

  app.changed = () => { drawSteps(app, steps, show); drawChoice(app, choice, show); STEPS[app.step]?.changed?.(app); };
  app.progressed = () => { drawSteps(app, steps, show); STEPS[app.step]?.progressed?.(app); };
  const show = (name) => {
    app.close();
    app.step = name;
    history.replaceState(null, "", `#${name}`);
    place.replaceChildren();
    app.close = STEPS[name].open(app, place) ?? (() => {});
    drawSteps(app, steps, show);
  };
  app.show = show;
  const hear = (message) => {
    if (message.type === "gone") app.status = null;
    else if (message.type === "snapshot") app.status = message.status;
    else if (message.type === "status") app.status = message;
    else return;
    drawStation(app, station);
  };
  drawStation(app, station);
  live(hear);
  await app.reload(remembered());
  if (app.state === null) return;
  show(location.hash.slice(1) in STEPS ? location.hash.slice(1) : "camera");
  poll(app);
}

function remembered() {
  const asked = new URLSearchParams(location.search);
  return {product: asked.get("product") ?? "", view: asked.get("view") ?? ""};
}

/** Drawn anew only when something changed: a button that is replaced under the mouse loses its click. */
function drawSteps(app, steps, show) {
  const seen = JSON.stringify([app.step, ...Object.values(STEPS).map((step) => step.missing(app))]);
  if (steps.dataset.seen === seen) return;
  steps.dataset.seen = seen;
  steps.replaceChildren(...Object.entries(STEPS).map(([name, step], i) => {
    const missing = step.missing(app);
    return el("button", {
      class: `${name === app.step ? "here" : ""} ${missing ? "" : "done"}`, data: {step: name},
      "aria-current": name === app.step ? "step" : null, onclick: () => show(name),
    }, el("span", {class: "number", "aria-hidden": true}, missing ? String(i + 1) : "✓"),
    el("span", {}, el("b", {}, t(`setup.${name}`)), el("small", {}, missing ?? t("setup.done"))));
  }));
}

function drawChoice(app, choice, show) {
  const {products, views, product, view} = app.state;
  const pick = (name, values, present) => el("label", {}, t(`setup.${name}`), el("select", {
    name, onchange: async (event) => {
      const which = {...app.which, [name]: event.target.value};
      history.replaceState(null, "", `?${new URLSearchParams(which)}#${app.step}`);
      await app.reload(which);
      show(app.step);
    },
  }, ...values.map((each) => el("option", {value: each, selected: each === present}, each))));
  choice.replaceChildren(pick("product", products, product), pick("view", views, view));
}

/** The state of the station is never out of sight while its cameras are worked at. */
function drawStation(app, station) {
  const seen = app.status === null ? "gone" : app.paused ? "paused" : "inspecting";
  const key = [seen, ...(app.status?.recipes_changed ?? []).map((each) => each.recipe_id)].join(" ");
  if (station.dataset.key === key) return;
  station.dataset.key = key;
  station.dataset.seen = seen;
  const button = {paused: "resume", inspecting: "pause"}[seen];
  station.replaceChildren(
    el("span", {class: `state ${seen}`, role: "status"},
      el("span", {"aria-hidden": true}, {gone: "✕ ", paused: "❚❚ ", inspecting: "▶ "}[seen]), t(`setup.station_${seen}`)),
    button && el("button", {class: button, data: {do: button}, onclick: async () => {
      if (button === "pause" && !await confirmed(t("setup.pause_ask"), t("setup.pause"))) return;
      if (button === "resume") app.status = {...app.status, paused: false};  // no more looks at the camera from here
      const answer = await app.station(button);
      if (!answer.ok) toast(answer.error, "bad");
    }}, t(`setup.${button}`)) || "");
  STEPS[app.step]?.station?.(app);
}

async function poll(app) {
  for (;;) {
    await new Promise((on) => setTimeout(on, POLL_MS));
    const jobs = [app.state.training, app.state.trial, app.state.running];
    if (document.hidden || !jobs.some((job) => job?.state === "running")) continue;
    const answer = await app.get("jobs");
    if (!answer.ok) continue;
    const ended = app.state.running && !answer.running;
    Object.assign(app.state, {training: answer.training, trial: answer.trial, running: answer.running});
    if (ended) await app.reload(); else app.progressed();
  }
}
