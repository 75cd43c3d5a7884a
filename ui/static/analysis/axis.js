// Axes with round values, and labels laid out so that none lies on another.

export const FONT = "13px system-ui, 'Noto Sans', 'Noto Sans CJK JP', 'Noto Sans CJK KR', sans-serif";
/** Room a line of a label takes, and the least room between two labels, in px. */
const LINE_PX = 17, APART_PX = 10;

/** An axis from low to high: `at` gives 0…1, `back` the value, `ticks` round values. */
export function axis(low, high, {log = false} = {}) {
  if (!(high > low)) high = low + (Math.abs(low) || 1);
  const [to, from] = log ? [Math.log, Math.exp] : [Number, Number], begin = to(low), wide = to(high) - begin;
  return {high, at: (v) => Math.min(1, Math.max(0, (to(Math.max(v, low)) - begin) / wide)), back: (x) => from(begin + x * wide),
    ticks: (most = 8) => (log ? logTicks(low, high) : ticks(low, high, most))};
}

export function ticks(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const made = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high * (1 + 1e-9) + 1e-12; k++)
    made.push(Number((k * step).toPrecision(12)));
  return made;
}

export function logTicks(low, high) {
  const made = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const n of [1, 2, 5]) {
      const value = n * 10 ** power;
      if (value >= low && value <= high) made.push(Number(value.toPrecision(3)));
    }
  return made;
}

const ruler = document.createElement("canvas").getContext("2d");

/** How wide a label is, in px. */
export function widthOf(text) {
  ruler.font = FONT;
  return ruler.measureText(text).width;
}

/** Put labels below an axis: [[x px, text]] from left to right, within 0…width. Gives [[left px, text]]; one
    that would lie on the one before it is left out. */
export function below(labels, width) {
  const kept = [];
  let free = -Infinity;
  for (const [x, text] of labels) {
    const wide = widthOf(text), left = Math.max(0, Math.min(x - wide / 2, width - wide));
    if (left < free) continue;
    kept.push([left, text]);
    free = left + wide + APART_PX;
  }
  return kept;
}

/** Leave out values that would stand less than a line above the one before; `y` gives px downwards. */
export function sparse(values, y) {
  let last = Infinity;
  return values.filter((value) => {
    if (last - y(value) < LINE_PX) return false;
    last = y(value);
    return true;
  });
}

/** Move boxes {left, top, wide} down a line each until none lies on one before it, or up where `low` is reached. One
    that has no room at all is left out. */
export function tiered(boxes, low) {
  const placed = [];
  for (const box of boxes) {
    const hit = (top) => placed.some((other) => Math.abs(other.top - top) < LINE_PX
      && box.left < other.left + other.wide + APART_PX && other.left < box.left + box.wide + APART_PX);
    let {top} = box;
    while (hit(top) && top + LINE_PX <= low) top += LINE_PX;
    while (hit(top) && top >= LINE_PX) top -= LINE_PX;
    if (!hit(top)) placed.push({...box, top});
  }
  return placed;
}
