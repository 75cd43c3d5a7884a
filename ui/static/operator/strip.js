// The last parts as tiles, and how rejects came among the last hundred.
import {el, svg, t} from "/static/shared/base.js";
import {sign} from "/static/shared/verdict_signs.js";
import {clock, put} from "/static/shared/format.js";

const TILES = 12, WIDE = 100, HIGH = 40;
const REJECTS = ["FAIL", "CANNOT_INSPECT", "REVIEW"];

/** The strip, the newest at the right; `choose` is called with the part of a tile. */
export function strip({choose}) {
  const element = el("ol", {class: "strip", "aria-label": t("operator.last_parts")});
  const marks = (state) => {
    const waiting = new Set(state.waiting.map((part) => part.part_id));
    // Only the first of those that wait are told; then the failed ones after them wait as well.
    const after = state.waitingCount > waiting.size ? state.waiting.at(-1).number : Infinity;
    const parts = new Map(state.strip.map((part) => [part.part_id, part]));
    for (const made of element.children) {
      const {part, verdict, seq} = made.dataset;
      const reason = parts.get(part)?.acknowledged;
      made.classList.toggle("done", Boolean(reason));
      put(made.querySelector(".why"), reason ? t(`acknowledged.${reason}`) : "");
      made.classList.toggle("waits", waiting.has(part) || (verdict === "FAIL" && Number(seq) > after));
      made.classList.toggle("chosen", made.dataset.part === state.frozen?.part_id);
    }
  };
  const add = (part, state) => {
    element.append(tile(part, choose));
    while (element.children.length > TILES) element.firstChild.remove();
    marks(state);
  };
  const all = (state) => {
    const there = [...element.children].map((made) => made.dataset.part).join();
    if (there !== state.strip.map((part) => part.part_id).join())
      element.replaceChildren(...state.strip.map((part) => tile(part, choose)));
    marks(state);
  };
  return {element, add, all};
}

function tile(part, choose) {
  const verdict = t(`operator.verdict_${part.verdict}`);
  const about = t("operator.tile", {n: part.number, verdict, at: clock(part.judged_at)});
  return el("li", {class: "tile", data: {part: part.part_id, verdict: part.verdict, seq: part.number}},
    el("button", {"aria-label": about, onclick: () => choose(part)},
      sign(part.verdict).element, el("span", {class: "n"}, String(part.number)), el("span", {class: "why"})));
}

/** The trend: a bar for each reject in its place, and how many there are. */
export function trend() {
  const paths = Object.fromEntries(REJECTS.map((verdict) => [verdict, svg("path", {class: verdict})]));
  const drawing = svg("svg", {viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true"},
    svg("path", {class: "base", d: `M0 ${HIGH - 1}h${WIDE}`}), ...Object.values(paths));
  const told = el("div", {class: "told"});
  const show = (verdicts) => {
    const from = WIDE - verdicts.length;
    for (const verdict of REJECTS) {
      let d = "";
      verdicts.forEach((each, place) => { if (each === verdict) d += `M${from + place + 0.5} ${HIGH}v-${tall(verdict)}`; });
      paths[verdict].setAttribute("d", d);
    }
    const bad = verdicts.reduce((sum, verdict) => sum + (verdict !== "PASS"), 0);
    put(told, t("operator.trend", {n: bad, of: verdicts.length}));
  };
  return {element: el("figure", {class: "trend"}, told, drawing), show};
}

const tall = (verdict) => HIGH * {FAIL: 1, CANNOT_INSPECT: 0.72, REVIEW: 0.45}[verdict];
