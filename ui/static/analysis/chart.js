// The histogram: one stop of the Tab key; arrows move a cursor from bar to bar, and what it stands on is shown and read out.
import {colour} from "/static/shared/colours.js";
import {el, svg, t} from "/static/shared/base.js";
import {count} from "/static/shared/format.js";
import {FONT, below, logTicks, sparse, ticks, tiered, widthOf} from "/static/analysis/axis.js";

export const COLOUR = {PASS: colour("pass-line"), FAIL: colour("fail-line"), dim: colour("dim"), line: colour("line"),
  limit: colour("limit-line"), back: colour("back")};

/** A frame that draws itself anew when its size changes. `draw(width, height)` gives what to put in. */
function frame(name, label, draw) {
  const body = el("div", {class: "chart-body"});
  const tip = el("div", {class: "chart-tip", hidden: true});
  const said = el("div", {class: "unseen", role: "status", "aria-live": "polite"});
  const host = el("div", {class: `chart ${name}`, tabindex: 0, role: "application",
    "aria-label": label, "aria-roledescription": t("analysis.chart")}, body, tip, said);
  let asked = null;
  const redraw = () => {
    asked = null;
    const {clientWidth: width, clientHeight: height} = body;
    if (width > 20 && height > 20) body.replaceChildren(...draw(width, height));
  };
  new ResizeObserver(() => { asked ??= requestAnimationFrame(redraw); }).observe(body);
  return {host, body, tip, said, redraw};
}

/** Let mouse and arrow keys stand on one of `size()` things; `place(i)` gives {x, y, text}. */
function cursor({host, body, tip, said}, {size, place, nearest}) {
  let at = -1;
  const show = (i, aloud) => {
    if (size() === 0) return;
    at = Math.min(size() - 1, Math.max(0, i));
    const {x, y, text} = place(at);
    tip.hidden = false;
    tip.textContent = text;
    const left = Math.min(Math.max(0, x + 12), Math.max(0, body.clientWidth - tip.offsetWidth - 2));
    tip.style.transform = `translate(${left}px, ${Math.max(0, y - tip.offsetHeight - 10)}px)`;
    host.dataset.at = at;
    if (aloud) said.textContent = text;
  };
  const hide = () => { tip.hidden = true; delete host.dataset.at; };
  body.addEventListener("mousemove", (event) => {
    const box = body.getBoundingClientRect();
    const i = nearest(event.clientX - box.left, event.clientY - box.top);
    if (i >= 0) show(i, false); else hide();
  });
  body.addEventListener("mouseleave", hide);
  host.addEventListener("blur", hide);
  const jump = () => Math.max(1, Math.round(size() / 20));
  const keys = {ArrowRight: () => at + 1, ArrowLeft: () => at - 1, ArrowDown: () => at + 1,
    ArrowUp: () => at - 1, PageDown: () => at + jump(), PageUp: () => at - jump(), Home: () => 0,
    End: () => size() - 1};
  host.addEventListener("keydown", (event) => {
    if (event.key in keys) { show(keys[event.key](), true); event.preventDefault(); }
  });
}

const text = (x, y, content, given = {}) =>
  svg("text", {x, y, fill: COLOUR.dim, style: `font:${FONT}`, ...given}, content);

function hatch(id, colour) {
  return svg("pattern", {id, width: 7, height: 7, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)"}, svg("rect", {width: 7, height: 7, fill: colour}),
  svg("rect", {width: 2.5, height: 7, fill: COLOUR.back}));
}

let made = 0;

/** Bars side by side, each a stack: series [{name, label, colour, hatched, values}]. */
export function stacked({label, series, steps, tipOf, xTicks, lines = [], logCounts = false}) {
  const id = `hatch${made++}`, pad = {left: 58, right: 14, top: 14, bottom: 30};
  const size = steps;
  const totals = Array.from({length: size}, (_, i) => series.reduce((sum, s) => sum + s.values[i], 0));
  const most = Math.max(1, ...totals);
  const height01 = (n) => (logCounts ? Math.log1p(n) / Math.log1p(most) : n / most);
  let plot = {width: 1, height: 1};
  const chart = frame("histogram", label, (width, height) => {
    plot = {width: width - pad.left - pad.right, height: height - pad.top - pad.bottom};
    const step = plot.width / size, drawn = svg("g", {});
    const base = pad.top + plot.height;
    const y = (n) => base - plot.height * height01(n);
    const marks = logCounts ? logTicks(1, most) : ticks(0, most, Math.max(2, plot.height / 45)).filter(Number.isInteger);
    for (const n of sparse(marks, y)) {
      drawn.append(svg("line", {x1: pad.left, x2: width - pad.right, y1: y(n), y2: y(n), stroke: COLOUR.line}));
      drawn.append(text(pad.left - 8, y(n) + 4, count(n), {"text-anchor": "end"}));
    }
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (const each of series) {
        if (!each.values[i]) continue;
        const top = y(sum + each.values[i]), bottom = y(sum);
        drawn.append(svg("rect", {x: pad.left + i * step, width: Math.max(1, step - (step > 4 ? 1 : 0)),
          y: top, height: Math.max(bottom - top, 1.5), class: "bar-piece",
          fill: each.hatched ? `url(#${id}${each.name})` : each.colour}));
        sum += each.values[i];
      }
    }
    for (const [left, words] of below(xTicks(plot.width).map(([x, words]) => [pad.left + x * plot.width, words]), width))
      drawn.append(text(left, height - 9, words, {class: "tick-label"}));
    const picture = svg("svg", {width, height, "aria-hidden": "true"},
      svg("defs", {}, ...series.filter((s) => s.hatched).map((s) => hatch(id + s.name, s.colour))), drawn);
    const across = lines.map((line) => markOf(line, pad, plot, width));
    picture.append(...across.map((mark) => markLine(mark, pad, plot)),
      ...tiered(across, base).map(({line, left, top}) => text(left, top, line.label, {fill: line.colour, class: "mark-label"})));
    return [picture];
  });
  cursor(chart, {size: () => size,
    place: (i) => ({x: pad.left + (i + 0.5) * plot.width / size,
      y: pad.top + plot.height * (1 - height01(totals[i])), text: tipOf(i)}),
    nearest: (x) => {
      const i = Math.floor((x - pad.left) / plot.width * size);
      return i >= 0 && i < size ? i : -1;
    }});
  return chart;
}

/** Where a line across a chart stands, and its label before or after it, wherever there is room. */
function markOf(line, pad, plot, width) {
  const {label, x, row = 0, before = false} = line;
  const at = pad.left + x * plot.width, wide = widthOf(label), fits = [at - 6 - wide >= pad.left, at + 6 + wide <= width];
  const left = (before ? fits[0] : !fits[1]) ? at - 6 - wide : at + 6;
  return {line, at, wide, left: Math.max(pad.left, Math.min(left, width - wide)), top: pad.top + 6 + 17 * row};
}

const markLine = ({line, at}, pad, plot) => svg("line", {x1: at, x2: at, y1: pad.top - 6, y2: pad.top + plot.height,
  stroke: line.colour, "stroke-width": 2, "stroke-dasharray": line.dash ?? "6 4", class: "mark"});
