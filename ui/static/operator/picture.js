// The picture with heat and outlines over it; only the newest one asked for is loaded.
import {el, svg, t} from "/static/shared/base.js";
import {kept} from "/static/shared/remembered.js";
import {closely} from "/static/operator/closely.js";
import {goodPart, loaded} from "/static/operator/good.js";
import {zoomed} from "/static/operator/zoom.js";
import {atFault, figure} from "/static/shared/reasons.js";
import {clock, put} from "/static/shared/format.js";

const MOST_OUTLINES = 50;

/** The picture and its zoom; `back` is called to leave a frozen picture. */
export function picture({back}) {
  const heatOn = kept("heat", true), outlinesOn = kept("outlines", true), opacity = kept("opacity", 60);
  const layers = [0, 1].map(() => el("img", {class: "layer", alt: "", draggable: "false"}));
  const heat = el("img", {class: "heat", alt: ""});
  const outlines = svg("svg", {class: "outlines", preserveAspectRatio: "xMidYMid meet"});
  const title = el("span", {class: "title"}), note = el("span", {class: "note"});
  const live = el("button", {class: "live", onclick: back}, t("operator.back"), el("kbd", {}, "L"));
  const empty = el("div", {class: "empty"});
  const stage = el("div", {class: "stage"}, ...layers, heat, outlines, empty);
  const fit = closely(stage);
  const peak = el("span"), limit = el("span"), scale = el("div", {class: "scale", "aria-hidden": "true"}, peak, el("i"), limit);
  const element = el("figure", {class: "picture"}, el("figcaption", {}, title, note, live), el("div", {class: "seen"}, stage, scale));
  const zoom = zoomed();
  const now = {wanted: null, placed: null, layer: null, busy: false, frozen: false, gone: false};
  const good = goodPart((part, example) => { if (part === now.placed) zoom.compare(example); });

  const free = () => layers.find((layer) => layer !== now.layer);
  const settings = () => {
    heat.hidden = !heatOn.get() || !heat.dataset.of || heat.dataset.of !== now.placed?.part_id;
    heat.style.opacity = opacity.get() / 100;
    scale.hidden = !heatOn.get();
    scale.style.visibility = heat.hidden ? "hidden" : "visible";
    put(peak, t("operator.heat_peak", {score: figure(now.placed?.score)}));
    put(limit, t("operator.heat_limit", {limit: figure(now.placed?.threshold)}));
    outlines.style.visibility = outlinesOn.get() ? "visible" : "hidden";
  };

  async function follow() {
    if (now.busy) return;
    now.busy = true;
    while (now.wanted && now.wanted !== now.placed) await place(now.wanted);
    now.busy = false;
    element.classList.remove("behind");
  }

  async function place(part) {
    const layer = free();
    const there = part.picture === false ? false : await loaded(layer, source(part));
    heat.hidden = true;
    delete heat.dataset.of;
    for (const each of layers) each.classList.toggle("on", there && each === layer);
    now.placed = part;
    fit();
    now.layer = there ? layer : null;
    outlined(outlines, part, there ? layer : null);
    cover();
    element.dataset.part = part.number;
    caption();
    beside(part, there ? layer : null);
    if (there) await warm(part);
    settings();
  }

  async function warm(part) {
    if (!heatOn.get() || !hasHeat(part) || part !== now.wanted) return;
    if (await loaded(heat, `/pictures/${part.part_id}/heat`)) heat.dataset.of = part.part_id;
  }

  function beside(part, layer) {
    const worst = atFault(part)[0];
    if (!worst || !layer) { zoom.clear(part); return; }
    zoom.show(part, worst, layer);
    good.beside(part);
  }

  /** Say in place of the picture why there is none; an old one is never shown as the present one. */
  function cover() {
    if (now.gone) put(empty, t("operator.old_picture"));
    else put(empty, now.layer || !now.placed ? "" : t("operator.no_picture"));
  }

  function caption() {
    const part = now.frozen ? now.wanted : now.placed;
    const key = now.frozen ? "operator.looking_at" : "operator.picture_of";
    put(title, part ? t(key, {n: part.number, verdict: t(`operator.verdict_${part.verdict}`), at: clock(part.judged_at)}) : "");
  }

  function show(part, state) {
    const back = now.gone && state.gone === null;
    now.frozen = state.frozen !== null;
    now.gone = state.gone !== null;
    if (back && !now.layer) now.placed = null;
    element.classList.toggle("frozen", now.frozen);
    element.classList.toggle("old", now.gone);
    zoom.element.classList.toggle("old", now.gone);
    live.hidden = !now.frozen;
    if (!now.frozen) put(note, "");
    cover();
    now.wanted = part?.part_id === now.placed?.part_id ? now.placed : part;
    element.classList.toggle("behind", now.wanted !== now.placed);
    caption();
    if (!now.gone) follow();
  }

  settings();
  return {
    element, zoom: zoom.element, show,
    say: (text) => put(note, text),
    heat: () => {
      heatOn.set(!heatOn.get());
      settings();
      if (now.placed && now.layer) warm(now.placed).then(settings);
      return heatOn.get();
    },
    outlines: () => { outlinesOn.set(!outlinesOn.get()); settings(); return outlinesOn.get(); },
    opacity: (value) => { opacity.set(value); settings(); },
    is: () => ({heat: heatOn.get(), outlines: outlinesOn.get(), opacity: opacity.get()}),
  };
}

const source = (part) => `/pictures/${part.part_id}/screen`;
const hasHeat = (part) => part.heat ?? (part.verdict === "FAIL" || part.verdict === "REVIEW");

/** Outline each place: twice, so that it stands out of any picture; accepted ones in grey. */
function outlined(drawing, part, layer) {
  if (!layer) { drawing.replaceChildren(); return; }
  drawing.setAttribute("viewBox", `0 0 ${layer.naturalWidth} ${layer.naturalHeight}`);
  const most = part.regions.slice(0, MOST_OUTLINES);
  drawing.replaceChildren(...most.flatMap(({corners, accepted}) =>
    ["outer", "inner", `line ${accepted ? "accepted" : part.verdict}`].map((name) => svg("polygon", {points: corners.join(" "), class: name}))));
}
