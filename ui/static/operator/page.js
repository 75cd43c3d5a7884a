// The operator's page: what arrives, what is shown, and what a key or a button does.
import {hearHelp, pressed} from "/static/shared/help.js";
import {call, el, live, me, t} from "/static/shared/base.js";
import {actions, told} from "/static/operator/actions.js";
import {banner, forget} from "/static/operator/banner.js";
import {facts, head} from "/static/operator/facts.js";
import {picture} from "/static/operator/picture.js";
import {signs} from "/static/shared/verdict_signs.js";
import {sound} from "/static/operator/sound.js";
import {strip, trend} from "/static/operator/strip.js";
import {troubles} from "/static/operator/troubles.js";

const STRIP = 12, TREND = 100, KEPT_SHOWN = 1000, BACK_MS = 120_000, SECOND = 1000;

/** Draw the page into an element and keep it up to date for as long as it is open. */
export async function start(element) {
  me.shown = [];
  const state = {
    status: null, gone: "start", strip: [], trend: [], last: null, waiting: [], waitingCount: 0,
    shift: null, drift: null, frozen: null, about: null, skewMs: 0, busyAt: -Infinity,
  };
  const parts = {};
  const show = painter(state, parts);
  const freeze = freezer(state, show, parts);
  const noise = sound();
  parts.head = head();
  parts.banner = banner();
  parts.troubles = troubles();
  parts.picture = picture({back: () => freeze(null)});
  parts.facts = facts();
  parts.strip = strip({choose: freeze});
  parts.trend = trend();
  parts.actions = actions({state, freeze, picture: parts.picture, noise, redraw: () => show.all()});
  parts.screen = layout(parts);
  element.append(signs(), parts.screen);
  document.title = t("operator.title");
  show.all();
  know(state, show);
  live((message) => hear(state, show, noise, message));
  setInterval(() => show.second(), SECOND);
  document.addEventListener("keydown", (event) => keyed(event, parts.actions));
  hearHelp();
}

function layout(parts) {
  return el("main", {class: "screen"},
    parts.head.element, parts.banner.element, parts.troubles.element, el("div", {class: "toasts"}),
    el("section", {class: "middle"}, parts.picture.element, parts.picture.zoom, parts.facts.element),
    el("section", {class: "last"}, parts.strip.element, parts.trend.element),
    parts.actions.element);
}

async function know(state, show) {
  const about = await call("/api/operator/about");
  if (!about.ok) { setTimeout(() => know(state, show), 2000); return; }
  state.about = about;
  forget();
  show.all();
}

function hear(state, show, noise, message) {
  if (message.at_ms) state.skewMs = Date.now() - message.at_ms;
  if (message.shift) figures(state, message);
  if (message.type === "part") { part(state, show, noise, message); return; }
  if (message.type === "snapshot") snapshot(state, show, message);
  else if (message.type === "status") { state.status = message; show.status(); }
  else if (message.type === "figures") show.all();
  else if (message.type === "gone") { state.gone = message.why; state.status = null; show.all(); }
}

function figures(state, message) {
  for (const part of message.acknowledged ? [...state.strip, state.last, state.frozen] : [])
    if (part?.part_id === message.acknowledged.part_id) part.acknowledged = message.acknowledged.reason;
  state.shift = message.shift;
  state.drift = message.drift;
  state.waiting = message.waiting;
  state.waitingCount = message.waiting_count ?? message.waiting.length;
}

function snapshot(state, show, message) {
  state.gone = null;
  state.station = message.station;
  state.status = message.status;
  if (message.status) state.skewMs = Date.now() - message.status.at_ms;
  state.strip = message.strip;
  state.trend = message.trend;
  state.last = message.strip.at(-1) ?? null;
  show.all();
}

function part(state, show, noise, message) {
  state.last = message;
  state.strip.push(message);
  if (state.strip.length > STRIP) state.strip.shift();
  state.trend.push(message.verdict);
  if (state.trend.length > TREND) state.trend.shift();
  if (message.cause.code === "busy") state.busyAt = performance.now();
  show.part(message);
  me.shown.push([message.number, message.decided_ms, performance.timeOrigin + performance.now()]);
  if (me.shown.length > KEPT_SHOWN) me.shown.shift();
  if (message.verdict === "FAIL") noise.fail();
}

/** Say what to draw anew for which news; the cheapest for a part, as they come ten a second. */
function painter(state, parts) {
  const subject = () => state.frozen ?? state.waiting[0] ?? state.last;
  const common = () => {
    const seen = subject();
    parts.banner.show(state);
    parts.screen.classList.toggle("gone", state.gone !== null);
    parts.picture.show(seen, state);
    parts.facts.show(seen, state);
    parts.trend.show(state.trend);
    parts.troubles.show(state);
    parts.actions.show(state, seen);
  };
  return {
    part(message) { parts.strip.add(message, state); common(); },
    status() { parts.head.show(state); parts.banner.show(state); parts.troubles.show(state); parts.actions.show(state, subject()); },
    second() { parts.banner.show(state); parts.troubles.show(state); },
    all() { parts.head.show(state); parts.strip.all(state); common(); },
  };
}

/** Freeze the picture on one part; null goes back to live. It goes back by itself after a while. */
function freezer(state, show, parts) {
  let timer = 0;
  return (chosen) => {
    clearTimeout(timer);
    state.frozen = chosen;
    if (chosen) timer = setTimeout(() => { state.frozen = null; show.all(); }, BACK_MS);
    show.all();
    if (chosen) told(chosen, state, parts.picture);
  };
}

// A scanner types as well: a key counts only when no other follows at once.
const SCANNER_MS = 60;
let pending = 0;

function keyed(event, doing) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const field = document.querySelector("dialog[open]") ?? event.target.closest("input, textarea, select");
  const key = pressed(event);
  if (field && (field.type !== "range" || key.startsWith("Arrow"))) return;
  clearTimeout(pending);
  if (!doing.has(key)) return;
  if (key.startsWith("Arrow")) event.preventDefault();
  pending = setTimeout(() => doing.key(key), SCANNER_MS);
}
