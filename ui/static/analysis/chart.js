// Small charts: SVG for bars, canvas for many points. Each is one stop of the Tab key; arrows move a
// cursor from value to value, and what it stands on is shown and read out.
import {colour} from "/static/shared/colours.js";
import {el, svg, t} from "/static/shared/base.js";
import {count, percent, short, when} from "/static/shared/format.js";
import {FONT, axis, below, logTicks, sparse, ticks, tiered, widthOf} from "/static/analysis/axis.js";

export const COLOUR = {PASS: colour("pass-line"), FAIL: colour("fail-line"), REVIEW: colour("review-line"), CANNOT_INSPECT: colour("cannot-line"),
  ink: colour("ink"), dim: colour("dim"), line: colour("line"), median: colour("ink"), limit: colour("limit-line"), now: colour("now"), back: colour("back"), ground: colour("label-ground")};

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
function cursor({host, body, tip, said}, {size, place, nearest, pick}) {
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
    if (event.key === "Enter" && at >= 0 && pick) pick(at);
  });
  if (pick) body.addEventListener("click", () => { if (at >= 0) pick(at); });
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
export function stacked({label, series, steps, tipOf, tickOf, logCounts = false, lines = [], pick,
  xTicks, topOf, name = "stacked"}) {
  const id = `hatch${made++}`, pad = {left: 58, right: 14, top: topOf ? 26 : 14, bottom: 30};
  const size = steps;
  const totals = Array.from({length: size}, (_, i) => series.reduce((sum, s) => sum + s.values[i], 0));
  const most = Math.max(1, ...totals);
  const height01 = (n) => (logCounts ? Math.log1p(n) / Math.log1p(most) : n / most);
  let plot = {width: 1, height: 1};
  const chart = frame(name, label, (width, height) => {
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
      if (topOf && step > 58 && sum)
        drawn.append(text(pad.left + (i + 0.5) * step, y(sum) - 6, topOf(i), {"text-anchor": "middle", fill: COLOUR.ink}));
    }
    const along = xTicks ? xTicks(plot.width) : stepTicks(size, plot.width, tickOf);
    for (const [left, words] of below(along.map(([x, words]) => [pad.left + x * plot.width, words]), width))
      drawn.append(text(left, height - 9, words, {class: "tick-label"}));
    const picture = svg("svg", {width, height, "aria-hidden": "true"},
      svg("defs", {}, ...series.filter((s) => s.hatched).map((s) => hatch(id + s.name, s.colour))), drawn);
    const across = lines.map((line) => markOf(line, pad, plot, width));
    picture.append(...across.map((mark) => markLine(mark, pad, plot)),
      ...tiered(across, base).map(({line, left, top}) => text(left, top, line.label, {fill: line.colour, class: "mark-label"})));
    return [picture];
  });
  cursor(chart, {size: () => size, pick,
    place: (i) => ({x: pad.left + (i + 0.5) * plot.width / size,
      y: pad.top + plot.height * (1 - height01(totals[i])), text: tipOf(i)}),
    nearest: (x) => {
      const i = Math.floor((x - pad.left) / plot.width * size);
      return i >= 0 && i < size ? i : -1;
    }});
  chart.host.dataset.points = size;
  return {...chart, pad};
}

function stepTicks(size, width, tickOf) {
  const every = Math.max(1, Math.ceil(size / Math.max(2, Math.floor(width / 110))));
  const found = [];
  for (let i = 0; i < size; i += every) found.push([(i + 0.5) / size, tickOf(i)]);
  return found;
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

/** Causes, the most frequent first: bars [{name, count, summed}]. */
export function pareto({label, bars, nameOf}) {
  const row = 30, total = bars.length ? bars[0].count / (bars[0].summed || 1) : 0;
  let room = 1, names = 1;
  const chart = frame("pareto", label, (width) => {
    names = Math.min(190, width * 0.42);
    room = width - names - 118;
    const drawn = bars.flatMap((bar, i) => {
      const y = i * row, long = Math.max(2, room * bar.count / bars[0].count);
      const shown = nameOf(bar.name), most = Math.floor(names / (/[　-鿿가-힯]/.test(shown) ? 14 : 7.4));
      return [text(names - 8, y + 20, shown.length > most ? `${shown.slice(0, most - 1)}…` : shown,
        {"text-anchor": "end", fill: COLOUR.ink}),
      svg("rect", {x: names, y: y + 5, width: long, height: row - 10, fill: COLOUR.limit, rx: 2, class: "bar-piece"}),
      text(names + long + 8, y + 20, `${count(bar.count)} · Σ ${percent(bar.summed)}`)];
    });
    const tall = Math.max(row, bars.length * row);
    return [svg("svg", {width, height: tall, "aria-hidden": "true"}, ...drawn)];
  });
  cursor(chart, {size: () => bars.length,
    place: (i) => ({x: names, y: i * row + row + 40,
      text: t("analysis.pareto_tip", {name: nameOf(bars[i].name), count: count(bars[i].count),
        share: percent(bars[i].count / total), summed: percent(bars[i].summed)})}),
    nearest: (_, y) => { const i = Math.floor(y / row); return i < bars.length ? i : -1; }});
  chart.host.dataset.points = bars.length;
  return chart;
}

const SHAPES = {
  PASS: (c, x, y) => { c.arc(x, y, 2.2, 0, 7); },
  FAIL: (c, x, y) => { c.rect(x - 3.5, y - 3.5, 7, 7); },
  REVIEW: (c, x, y) => { c.moveTo(x, y - 5); c.lineTo(x + 5, y + 4); c.lineTo(x - 5, y + 4); c.closePath(); },
  CANNOT_INSPECT: (c, x, y) => { c.moveTo(x, y - 5); c.lineTo(x + 5, y); c.lineTo(x, y + 5); c.lineTo(x - 5, y); c.closePath(); },
};

/** One value of each part over time, with limits and a drifting median. */
export function points({label, at, value, verdict, verdicts, median, limits, tipOf, pick}) {
  const pad = {left: 62, right: 14, top: 12, bottom: 28}, size = value.length;
  const [low, high] = range(value, limits);
  const across = axis(at[0], at[size - 1]), up = axis(low, high);
  let plot = {width: 1, height: 1};
  const x = (i) => pad.left + plot.width * across.at(at[i]);
  const y = (v) => pad.top + plot.height * (1 - up.at(v));
  const chart = frame("points", label, (width, height) => {
    plot = {width: width - pad.left - pad.right, height: height - pad.top - pad.bottom};
    const ratio = devicePixelRatio || 1;
    const canvas = el("canvas", {width: Math.round(width * ratio), height: Math.round(height * ratio),
      style: `width:${width}px;height:${height}px`, "aria-hidden": "true"});
    const c = canvas.getContext("2d");
    c.scale(ratio, ratio);
    c.font = FONT;
    grid(c, width, height);
    verdicts.forEach((name, code) => {
      c.beginPath();
      c.fillStyle = COLOUR[name];
      for (let i = 0; i < size; i++) {
        if (verdict[i] !== code) continue;
        const px = x(i), py = y(value[i]);
        c.moveTo(px, py);
        SHAPES[name](c, px, py);
      }
      c.globalAlpha = name === "PASS" ? 0.55 : 0.95;
      c.fill();
    });
    c.globalAlpha = 1;
    for (const limit of limits) lineAt(c, limit, width);
    const names = limits.map((limit, i) => nameOf(limit, width, i % 2 === 1));
    for (const name of tiered(names, pad.top + plot.height)) write(c, name);
    c.beginPath();
    c.strokeStyle = COLOUR.median;
    c.lineWidth = 2.5;
    for (let i = 0; i < size; i++) c.lineTo(x(i), y(median[i]));
    c.stroke();
    return [canvas];
  });
  const grid = (c, width, height) => {
    c.fillStyle = COLOUR.dim;
    c.strokeStyle = COLOUR.line;
    c.textAlign = "right";
    for (const v of sparse(up.ticks(Math.max(4, plot.height / 40)), y)) {
      c.beginPath(); c.moveTo(pad.left, y(v)); c.lineTo(width - pad.right, y(v)); c.stroke();
      c.fillText(short(v), pad.left - 8, y(v) + 4);
    }
    c.textAlign = "left";
    const wide = at[size - 1] - at[0] > 36e5 * 30, many = Math.max(2, Math.floor(plot.width / 150));
    const times = Array.from({length: many + 1}, (_, k) =>
      [plot.width * k / many, when(across.back(k / many), {date: wide || k === 0})]);
    for (const [left, words] of below(times, plot.width)) c.fillText(words, pad.left + left, height - 8);
  };
  const isBeyond = (v) => v > up.high || v < up.low;
  const lineAt = (c, {value: v}, width) => {
    if (isBeyond(v)) return;
    c.strokeStyle = COLOUR.limit;
    c.beginPath(); c.setLineDash([7, 5]); c.lineWidth = 2;
    c.moveTo(pad.left, y(v)); c.lineTo(width - pad.right, y(v)); c.stroke(); c.setLineDash([]);
  };
  // A limit far outside of all values is only named at the edge it lies beyond.
  const nameOf = ({label, value: v}, width, first) => {
    const words = (isBeyond(v) ? (v > up.high ? "↑ " : "↓ ") : "") + label, wide = widthOf(words);
    return {words, wide, left: first ? pad.left + 6 : width - pad.right - 4 - wide,
      top: y(v) < pad.top + 18 ? y(v) + 14 : y(v) - 5};
  };
  const write = (c, {words, wide, left, top}) => {
    c.fillStyle = COLOUR.ground;
    c.fillRect(left - 4, top - 12, wide + 8, 16);
    c.fillStyle = COLOUR.limit; c.textAlign = "left";
    c.fillText(words, left, top);
  };
  cursor(chart, {size: () => size, pick,
    place: (i) => ({x: x(i), y: y(value[i]), text: tipOf(i)}),
    nearest: (px, py) => {
      let best = -1, least = 900;
      for (let i = 0; i < size; i++) {
        const dx = x(i) - px, dy = y(value[i]) - py, far = dx * dx + dy * dy;
        if (far < least) { least = far; best = i; }
      }
      return best;
    }});
  chart.host.dataset.points = size;
  return chart;
}

/** From the lowest to the highest of values and of the limits that are not far out. */
function range(value, limits) {
  let low = Infinity, high = -Infinity;
  for (const v of value) { if (v < low) low = v; if (v > high) high = v; }
  const span = (high - low) || Math.abs(high) || 1;
  for (const limit of limits) {
    if (limit.value > high && limit.value < high + 2 * span) high = limit.value;
    if (limit.value < low && limit.value > low - 2 * span) low = limit.value;
  }
  const room = 0.06 * ((high - low) || span);
  return [low - room, high + room];
}
