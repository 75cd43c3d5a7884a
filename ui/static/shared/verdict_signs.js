// A sign for each verdict, of a shape of its own: told apart without colour. The server draws them.
import {made, me, svg} from "/static/shared/base.js";

/** The drawings all signs on the page refer to. */
export const signs = () => made(me.html_signs);

/** One sign; `turn` shows another in its place. */
export function sign(name) {
  const used = svg("use", {href: `#sign-${name}`});
  const element = svg("svg", {class: "sign", viewBox: "0 0 100 100", "aria-hidden": "true"}, used);
  return {element, turn: (other) => used.setAttribute("href", `#sign-${other}`)};
}
