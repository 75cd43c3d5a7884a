// What is wrong with the station now: one line each, with what to do about it.
import {el, lang, t} from "/static/shared/base.js";
import {sign} from "/static/shared/verdict_signs.js";

const LEAST_FREE_GB = 5, BUSY_MS = 10_000, MOST = 4;
const AWAY = ["LOST", "BACKOFF", "CONNECTING", "FAULT"];
const CAMERA = 1, RECORD = 2, OUTPUT = 3, BUSY = 5;

/** The lines; they are drawn anew only when they change. */
export function troubles() {
  const element = el("ul", {class: "troubles", role: "alert"});
  let drawn = "";
  const show = (state) => {
    const found = list(state);
    const now = JSON.stringify(found);
    if (now === drawn) return;
    drawn = now;
    element.replaceChildren(...found.slice(0, MOST).map(line));
    if (found.length > MOST) element.append(el("li", {class: "more"}, t("operator.more_troubles", {n: found.length - MOST})));
  };
  return {element, show};
}

/** The troubles there are, the worst first: {name, values, detail}. Without a station there is but one. */
export function list(state) {
  const status = state.status;
  if (state.gone || !status) return [];
  return [...cameras(status), ...codes(status), ...recipes(status), ...(status.paused ? [{name: "paused"}] : []), ...outputs(status),
    ...busy(state), ...disk(status), ...stream(status), ...drift(state.drift)];
}

const STOPS = ["camera_fault", "camera_lost", "record", "recipe", "paused"];

/** The trouble that keeps every part from being judged, null where there is none. */
export const stopped = (state) => list(state).find(({name}) => STOPS.includes(name)) ?? null;

function cameras(status) {
  const away = Object.entries(status.camera_states ?? {}).filter(([, is]) => AWAY.includes(is));
  const detail = status.error_code === CAMERA ? status.error : "";
  if (away.length === 0 && status.error_code !== CAMERA) return [];
  const names = (away.length ? away : Object.entries(status.camera_states ?? {})).map(([view]) => view).join(", ");
  const fault = away.some(([, is]) => is === "FAULT");
  return [{name: fault ? "camera_fault" : "camera_lost", values: {names}, detail}];
}

const codes = (status) => status.error_code === RECORD ? [{name: "record", detail: status.error}] : [];

/** Recipes nobody released: of the present product, parts are not judged by them. */
function recipes(status) {
  const changed = status.recipes_changed ?? [];
  const stops = changed.filter(({product, withheld}) => withheld && product === status.product);
  const found = stops.length ? stops : changed;
  if (found.length === 0) return [];
  const names = [...new Set(found.map(({product}) => product))].join(", ");
  return [{name: stops.length ? "recipe" : "recipe_changed", values: {names}}];
}

function outputs(status) {
  const told = Object.entries(status.outputs ?? {});
  if (told.length === 0 && status.error_code !== OUTPUT) return [];
  const waiting = Object.values(status.outbox ?? {}).reduce((sum, n) => sum + n, 0);
  const names = told.map(([name]) => name).join(", ") || "–";
  return [{name: "output", values: {names, n: waiting.toLocaleString(lang)}, detail: told.map(([, text]) => text)[0] ?? status.error}];
}

function busy(state) {
  const now = state.status.error_code === BUSY || performance.now() - state.busyAt < BUSY_MS;
  return now ? [{name: "busy"}] : [];
}

function disk(status) {
  const {free_gb: free, floor_gb: floor = 0} = status.disk ?? {};
  const least = Math.max(floor, LEAST_FREE_GB);
  if (free === undefined || free >= least) return [];
  return [{name: "disk", values: {free: gb(free), least: gb(least)}}];
}

function stream(status) {
  const raised = status.stream?.raised ?? [];
  return raised.length ? [{name: "stream", detail: raised[0]}] : [];
}

function drift(seen) {
  if (!seen || seen.low < seen.limit) return [];
  return [{name: "drift", values: {low: seen.low, of: seen.of}}];
}

const gb = (value) => (value >= 10 ? Math.floor(value) : Math.floor(value * 10) / 10).toLocaleString(lang);

function line({name, values = {}, detail = ""}) {
  return el("li", {class: "trouble", data: {trouble: name}},
    sign(name === "paused" ? "PAUSED" : "TROUBLE").element,
    el("div", {}, el("b", {}, t(`operator.trouble_${name}`, values)), el("span", {class: "act"}, t(`operator.act_${name}`, values)),
      detail ? el("small", {}, detail) : null));
}
