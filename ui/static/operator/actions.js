// The row of buttons, and the keys that do the same.
import {call, el, t, toast} from "/static/shared/base.js";
import {clock, put} from "/static/shared/format.js";
import {askDisagree, askPause, askProduct, askReason, menu} from "/static/operator/dialogs.js";

const KEYS = {acknowledge: "a", disagree: "d", trigger: "t", pause: "p", heat: "h", outlines: "o", sound: "s", menu: "m"};
const FURTHER = {l: "live", c: "product", ArrowLeft: "older", ArrowRight: "newer"};

/** The row; `show` says what may be done now, `key` does what a key stands for. */
export function actions({state, freeze, picture, noise, redraw}) {
  let seen = null;
  const does = deeds({state, freeze, picture, noise, redraw, seen: () => seen});
  const buttons = Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, button(name, key, () => does[name]())]));
  const slider = el("input", {type: "range", min: 10, max: 100, step: 5, value: picture.is().opacity,
    "aria-label": t("operator.opacity"), oninput: (event) => picture.opacity(Number(event.target.value))});
  const element = el("nav", {class: "actions"}, ...Object.values(buttons).slice(0, 6).map((each) => each.element),
    el("label", {class: "opacity"}, el("span", {}, t("operator.opacity")), slider),
    ...Object.values(buttons).slice(6).map((each) => each.element));
  const keys = {...Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [key, name])), ...FURTHER};
  const show = (_, subject) => {
    seen = subject;
    for (const [name, each] of Object.entries(buttons)) each.show(does.may[name]?.() ?? true, does.label[name]?.(), does.on[name]?.());
  };
  noise.onchange(() => show(state, seen));
  return {
    element, show,
    has: (key) => key in keys,
    key: (key) => { const name = keys[key]; if (does.may[name]?.() ?? true) does[name](); },
  };
}

function button(name, key, press) {
  const label = el("span", {class: "label"}, t(`operator.${name}`));
  const element = el("button", {class: "act", data: {act: name}, onclick: press}, label, el("kbd", {}, key.toUpperCase()));
  return {
    element,
    show(may, text, on) {
      if (element.disabled === may) element.disabled = !may;
      if (text !== undefined) put(label, text);
      if (on !== undefined) { element.setAttribute("aria-pressed", String(on)); element.classList.toggle("on", on); }
    },
  };
}

function deeds({state, freeze, picture, noise, redraw, seen}) {
  const there = () => state.gone === null;
  const rejected = () => there() && seen() !== null && seen() !== undefined && seen().verdict !== "PASS";
  const allowed = (what) => there() && state.about !== null && state.about.may[what];
  const badge = () => state.about?.badge === true;
  const paused = () => state.status?.paused === true;
  // What is asked is about the part in the picture, whatever comes meanwhile.
  const held = () => {
    const part = seen();
    if (!state.frozen) { freeze(part); setTimeout(() => document.querySelector(".operator dialog")?.addEventListener("close", () => freeze(null))); }
    return part;
  };
  const step = (by) => {
    const at = state.strip.findIndex((part) => part.part_id === (state.frozen ?? state.last)?.part_id);
    const next = state.strip[at + by];
    if (next) freeze(next); else if (by > 0) freeze(null);
  };
  return {
    acknowledge: () => { const part = held(); askReason(part, badge(), (reason, text, code) => acknowledged(part, {reason, text, badge: code}, freeze)); },
    disagree: () => { const part = held(); askDisagree(part, badge(), (text, code) => done("disagree", {part_id: part.part_id, text, badge: code}, "operator.sent_to_review", {n: part.number})); },
    trigger: () => done("trigger", {}, "operator.triggered"),
    pause: () => (paused() ? done("resume", {}, "operator.resumed") : askPause(() => done("pause", {}, "operator.now_paused"))),
    heat: () => { picture.heat(); redraw(); },
    outlines: () => { picture.outlines(); redraw(); },
    sound: () => noise.turn(),
    menu: () => menu({product: () => change(state), mayChange: allowed("product")}),
    product: () => change(state),
    live: () => freeze(null),
    older: () => step(-1),
    newer: () => step(1),
    may: {
      acknowledge: () => rejected() && !seen().acknowledged && allowed("acknowledge"),
      disagree: () => seen() != null && allowed("disagree"),
      trigger: () => allowed("trigger") && !paused() && state.about.trigger !== "camera",
      pause: () => allowed("pause"),
      product: () => allowed("product"),
    },
    label: {
      pause: () => t(paused() ? "operator.resume" : "operator.pause"),
      sound: () => t(`operator.sound_${noise.state()}`),
    },
    on: {heat: () => picture.is().heat, outlines: () => picture.is().outlines, sound: () => noise.state() === "on", pause: paused},
  };
}

function change(state) {
  askProduct(state.about.products, state.status?.product, (product) => done("product", {product}, "operator.product_changed", {name: product}));
}

async function acknowledged(part, said, freeze) {
  const found = await done("acknowledge", {part_id: part.part_id, ...said}, null);
  if (!found.ok) return;
  freeze(null);
  toast(found.earlier ? t("operator.acknowledged_before", {n: part.number, name: found.earlier}) : t("operator.acknowledged", {n: part.number}));
}

async function done(what, body, words, values = {}) {
  const found = await call(`/api/operator/${what}`, body);
  if (!found.ok) toast(found.error, "bad");
  else if (words) toast(t(words, values));
  return found;
}

/** Say beside a frozen picture what people said of the part. */
export async function told(part, state, picture) {
  const found = await call(`/api/operator/part/${part.part_id}`);
  if (!found.ok || state.frozen?.part_id !== part.part_id) return;
  const last = found.events.filter((event) => event.kind === "acknowledge" || event.kind === "disagree").at(-1);
  if (last) picture.say(t(`operator.was_${last.kind}`, {name: last.who, at: clock(last.at)}));
}
