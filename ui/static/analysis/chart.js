// The histogram: one stop of the Tab key; arrows move a cursor from bar to bar, and what it stands on is shown and read out.
import {colour} from "/static/shared/colours.js";
import {el, svg, t} from "/static/shared/base.js";
import {count} from "/static/shared/format.js";
import {FONT, below, logTicks, sparse, ticks, tiered, widthOf} from "/static/analysis/axis.js";

export const COLOUR = {PASS: colour("pass-line"), FAIL: colour("fail-line"), dim: colour("dim"), line: colour("line"),
  limit: colour("limit-line"), back: colour("back")};
const PAD = {left: 58, right: 14, top: 14, bottom: 30}, HATCH = "hatch-of-histogram";

/** Bars side by side, each a stack, drawn anew when the size changes: series [{name, colour, hatched, values}], lines across. */
export function stacked({label, series, steps, tipOf, xTicks, lines, logCounts = false}) {
  const totals = Array.from({length: steps}, (_, i) => series.reduce((sum, each) => sum + each.values[i], 0));
  const most = Math.max(1, ...totals), share = (n) => (logCounts ? Math.log1p(n) / Math.log1p(most) : n / most);
  const body = el("div", {class: "chart-body"});
  let plot = {width: 1, height: 1}, asked = null;
  const x = (i) => PAD.left + i * plot.width / steps, y = (n) => PAD.top + plot.height * (1 - share(n));

  function redraw() {
    asked = null;
    const {clientWidth: width, clientHeight: height} = body;
    if (width <= 20 || height <= 20) return;
    plot = {width: width - PAD.left - PAD.right, height: height - PAD.top - PAD.bottom};
    const marks = lines.map((line) => markOf(line, plot, width));
    body.replaceChildren(svg("svg", {width, height, "aria-hidden": "true"},
      svg("defs", {}, ...series.filter((each) => each.hatched).map(hatch)), ...grid(width), ...bars(),
      ...below(xTicks(plot.width).map(([at, words]) => [PAD.left + at * plot.width, words]), width)
        .map(([left, words]) => text(left, height - 9, words, {class: "tick-label"})),
      ...marks.map(({line, at}) => svg("line", {x1: at, x2: at, y1: PAD.top - 6, y2: y(0), stroke: line.colour, "stroke-width": 2,
        "stroke-dasharray": line.dash ?? "6 4", class: "mark"})),
      ...tiered(marks, y(0)).map(({line, left, top}) => text(left, top, line.label, {fill: line.colour, class: "mark-label"}))));
  }

  function grid(width) {
    const marks = logCounts ? logTicks(1, most) : ticks(0, most, Math.max(2, plot.height / 45)).filter(Number.isInteger);
    return sparse(marks, y).flatMap((n) => [
      svg("line", {x1: PAD.left, x2: width - PAD.right, y1: y(n), y2: y(n), stroke: COLOUR.line}),
      text(PAD.left - 8, y(n) + 4, count(n), {"text-anchor": "end"})]);
  }

  function bars() {
    const made = [], wide = plot.width / steps;
    for (let i = 0; i < steps; i++) {
      let sum = 0;
      for (const {values, hatched, colour: fill} of series) {
        if (!values[i]) continue;
        const top = y(sum + values[i]);
        made.push(svg("rect", {x: x(i), y: top, width: Math.max(1, wide - (wide > 4 ? 1 : 0)), height: Math.max(y(sum) - top, 1.5),
          fill: hatched ? `url(#${HATCH})` : fill}));
        sum += values[i];
      }
    }
    return made;
  }

  const host = withCursor(body, {label, steps, at: (i) => ({x: x(i + 0.5), y: y(totals[i]), text: tipOf(i)}),
    under: (left) => Math.floor((left - PAD.left) / plot.width * steps)});
  new ResizeObserver(() => { asked ??= requestAnimationFrame(redraw); }).observe(body);
  return {host, redraw};
}

/** Let mouse and arrow keys stand on one of the bars; `at(i)` gives {x, y, text}. */
function withCursor(body, {label, steps, at, under}) {
  const tip = el("div", {class: "chart-tip", hidden: true}), said = el("div", {class: "unseen", role: "status", "aria-live": "polite"});
  let here = -1;
  const show = (i) => {
    here = Math.min(steps - 1, Math.max(0, i));
    const {x, y, text: words} = at(here);
    tip.hidden = false;
    tip.textContent = words;
    const left = Math.min(Math.max(0, x + 12), Math.max(0, body.clientWidth - tip.offsetWidth - 2));
    tip.style.transform = `translate(${left}px, ${Math.max(0, y - tip.offsetHeight - 10)}px)`;
  };
  const hide = () => { tip.hidden = true; };
  const far = Math.max(1, Math.round(steps / 20));
  const moves = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, PageDown: far, PageUp: -far, Home: -Infinity, End: Infinity};
  body.addEventListener("mousemove", (event) => {
    const i = under(event.clientX - body.getBoundingClientRect().left);
    if (i >= 0 && i < steps) show(i); else hide();
  });
  body.addEventListener("mouseleave", hide);
  return el("div", {class: "chart histogram", tabindex: 0, role: "application", "aria-label": label,
    "aria-roledescription": t("analysis.chart"), onblur: hide, onkeydown: (event) => {
      if (!(event.key in moves)) return;
      show(here + moves[event.key]);
      said.textContent = tip.textContent;
      event.preventDefault();
    }}, body, tip, said);
}

const text = (x, y, content, given = {}) => svg("text", {x, y, fill: COLOUR.dim, style: `font:${FONT}`, ...given}, content);

const hatch = ({colour: fill}) => svg("pattern", {id: HATCH, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"},
  svg("rect", {width: 7, height: 7, fill}), svg("rect", {width: 2.5, height: 7, fill: COLOUR.back}));

/** Where a line across a chart stands, and its label before or after it, wherever there is room. */
function markOf(line, plot, width) {
  const {label, x, row = 0, before = false} = line;
  const at = PAD.left + x * plot.width, wide = widthOf(label), fits = [at - 6 - wide >= PAD.left, at + 6 + wide <= width];
  const left = (before ? fits[0] : !fits[1]) ? at - 6 - wide : at + 6;
  return {line, at, wide, left: Math.max(PAD.left, Math.min(left, width - wide)), top: PAD.top + 6 + 17 * row};
}
