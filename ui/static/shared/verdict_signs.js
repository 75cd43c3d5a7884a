// A sign for each verdict, of a shape of its own: told apart without colour.
import {svg} from "/static/shared/base.js";

const SHAPES = {
  PASS: ["M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M26 52l17 18l32-38"],
  FAIL: ["M32 4h36l28 28v36l-28 28h-36l-28-28v-36z", "M31 31l38 38M69 31l-38 38"],
  REVIEW: ["M50 5l47 88h-94z", "M50 36v28M50 78v2"],
  CANNOT_INSPECT: ["M5 5h90v90h-90z", "M20 50q30-34 60 0q-30 34-60 0zM50 46v8M20 84l60-68"],
  NO_SIGNAL: ["M50 4l46 46l-46 46l-46-46z", "M24 50h14M62 50h14M42 32l16 36"],
  WAITING: ["M22 5h56v16l-20 29l20 29v16h-56v-16l20-29l-20-29z", "M42 50h16M36 84h28"],
  TROUBLE: ["M50 5l47 88h-94z", "M50 36v28M50 78v2"],
  PAUSED: ["M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M38 30v40M62 30v40"],
};

const LINE = {fill: "none", stroke: "currentColor", "stroke-linecap": "round", "stroke-linejoin": "round"};

/** The drawings all signs on the page refer to. */
export function signs() {
  const symbols = Object.entries(SHAPES).map(([name, [outside, inside]]) =>
    svg("symbol", {id: `sign-${name}`, viewBox: "0 0 100 100"},
      svg("path", {...LINE, "stroke-width": 7, d: outside}), svg("path", {...LINE, "stroke-width": 12, d: inside})));
  return svg("svg", {width: 0, height: 0, "aria-hidden": "true", style: "position:absolute"}, ...symbols);
}

/** One sign; `turn` shows another in its place. */
export function sign(name) {
  const used = svg("use", {href: `#sign-${name}`});
  const element = svg("svg", {class: "sign", viewBox: "0 0 100 100", "aria-hidden": "true"}, used);
  return {element, turn: (other) => used.setAttribute("href", `#sign-${other}`)};
}
