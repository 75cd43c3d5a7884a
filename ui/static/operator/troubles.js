// What is wrong with the station now: one line each, with what to do about it; the worst are on the page, all a touch away.
import {el, lang, t} from "/static/shared/base.js";
import {tell} from "/static/operator/dialogs.js";
import {sign} from "/static/shared/verdict_signs.js";

const BUSY_MS = 10_000, MOST = 3, OF_MORE = 2, BUSY = 5;

/** The lines; they are drawn anew only when they change. */
export function troubles() {
  const element = el("ul", {class: "troubles", role: "alert"}), all = el("ul", {class: "all-troubles"});
  let drawn = "";
  const show = (state) => {
    const found = list(state);
    const now = JSON.stringify(found);
    if (now === drawn) return;
    drawn = now;
    const shown = found.length > MOST ? OF_MORE : MOST;
    element.replaceChildren(...found.slice(0, shown).map(line));
    all.replaceChildren(...found.map(line));
    if (found.length > MOST) element.lastChild.append(el("button", {class: "more", onclick: () => tell("troubles", t("operator.all_troubles"), all)},
      t("operator.more_troubles", {n: found.length - shown})));
  };
  return {element, show};
}

/** The troubles there are, the worst first: {name, values, detail}; most are the station's own list. */
export function list(state) {
  const status = state.status;
  if (state.gone || !status) return [];
  return [...status.troubles.map(written), ...busy(state), ...drift(state.drift)];
}

const SIZES = ["free", "least"];

/** The same with its numbers written: gigabytes, and counts. */
function written({name, values, detail}) {
  const write = (key, value) => typeof value !== "number" ? value : SIZES.includes(key) ? gb(value) : value.toLocaleString(lang);
  return {name, detail, values: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, write(key, value)]))};
}

const STOPS = ["camera_fault", "camera_lost", "record", "no_recipe", "recipe", "paused"];

/** The trouble that keeps every part from being judged, null where there is none. */
export const stopped = (state) => list(state).find(({name}) => STOPS.includes(name)) ?? null;

function busy(state) {
  const now = state.status.error_code === BUSY || performance.now() - state.busyAt < BUSY_MS;
  return now ? [{name: "busy"}] : [];
}

function drift(seen) {
  if (!seen || seen.low < seen.limit) return [];
  return [{name: "drift", values: {low: seen.low, of: seen.of}}];
}

const gb = (value) => (value >= 10 ? Math.floor(value) : Math.floor(value * 10) / 10).toLocaleString(lang);

function line({name, values = {}, detail = ""}) {
  return el("li", {class: "trouble", data: {trouble: name}},
    sign(name === "paused" ? "PAUSED" : "TROUBLE").element,
    el("div", {}, el("b", {}, t(`troubles.${name}`, values)), el("span", {class: "act"}, t(`troubles.act_${name}`, values)),
      detail ? el("small", {}, detail) : null));
}
