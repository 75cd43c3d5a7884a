// Painting the mask of a defect: every pixel is in it or not, at the picture's full resolution.
import {el, svg} from "/static/shared/base.js";
import {DRAGGED} from "/static/shared/shapes.js";
import {follow} from "/static/review/view.js";

const MASK = [0, 229, 255], PROPOSAL = [240, 228, 66];
const UNDO_BYTES = 64e6;
const SIZES = [1, 2, 3, 5, 8, 12, 18, 26, 38, 56, 80, 120, 180, 260, 400];
/** The polygon that is filled, of the points a pointer went through; with Shift emptied. The other tools draw a line. */
const FILLED = {
  lasso: (points) => points,
  circle: (points) => DRAGGED.circle(points[0], points.at(-1)),
  ellipse: (points) => DRAGGED.ellipse(points[0], points.at(-1)),
};

export class Painter {
  /** `changed()` is called after every change; `view` says where a pointer is in the picture. */
  constructor(view, changed) {
    this.view = view;
    this.changed = changed;
    this.canvas = el("canvas", {class: "mask"});
    this.context = this.canvas.getContext("2d", {willReadFrequently: true});
    this.proposed = el("canvas", {class: "proposal"});
    this.sketch = svg("svg", {class: "sketch"});
    this.tool = "brush";
    this.size = 12;
    this.layers = [this.proposed, this.canvas, this.sketch];
    this.start(0, 0);
    this._listen(view.original.pane);
  }

  /** Begin anew for a picture of this size. */
  start(width, height) {
    this.width = this.canvas.width = width;
    this.height = this.canvas.height = height;
    this.proposed.width = this.proposed.height = 0;
    this.proposal = null;
    this.mask = new Uint8Array(width * height);
    this.painted = 0;
    this.touched = false;
    this.done = [];
    this.undone = [];
    this.sketch.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.sketch.replaceChildren();
    this.changed();
  }

  /** Show a mask as it was saved; this is nothing to be undone. */
  put(mask) {
    this._commit(this._all(), (i) => mask[i]);
    this.done = [];
    this.touched = false;
    this.changed();
  }

  /** Show a mask that may be taken over by `accept`. */
  propose(mask) {
    this.proposal = mask;
    if (mask === null) { this.proposed.width = this.proposed.height = 0; this.changed(); return; }
    this.proposed.width = this.width;
    this.proposed.height = this.height;
    const context = this.proposed.getContext("2d");
    const image = context.createImageData(this.width, this.height);
    // Hatched, so that it is told from the mask without colour too.
    const step = Math.max(4, Math.round(Math.max(this.width, this.height) / 128));
    for (let i = 0; i < mask.length; i++)
      if (mask[i]) colour(image.data, i, PROPOSAL, ((i % this.width) + Math.floor(i / this.width)) % (2 * step) < step ? 255 : 90);
    context.putImageData(image, 0, 0);
    this.changed();
  }

  /** Take the proposal over: one step that can be undone. */
  accept() {
    if (this.proposal === null) return;
    const proposal = this.proposal;
    this._commit(this._all(), (i) => this.mask[i] | proposal[i]);
    this.propose(null);
  }

  /** Take everything away: one step that can be undone. */
  clear() { if (this.painted) this._commit(this._all(), () => 0); }

  undo() { this._swap(this.done, this.undone); }
  redo() { this._swap(this.undone, this.done); }

  larger(steps) {
    const at = SIZES.findIndex((size) => size >= this.size);
    this.size = SIZES[Math.min(SIZES.length - 1, Math.max(0, at + steps))];
    this.changed();
  }

  choose(tool) { this.tool = tool; this.sketch.replaceChildren(); this.changed(); }

  _listen(pane) {
    pane.addEventListener("pointerdown", (event) => {
      if (!this.view.painting || event.button !== 0 || !this.width) return;
      if (this.space) { this.view.pan(event); return; }
      event.preventDefault();
      const begin = this.view.place(event), {tool, size} = this;
      const stroke = {points: [begin, begin], fills: FILLED[tool], size, erases: tool === "eraser" || (tool in FILLED && event.shiftKey)};
      this.stroke = stroke;
      this._show(stroke);
      follow(event, (next) => {
        for (const each of next.getCoalescedEvents?.() ?? [next]) stroke.points.push(this.view.place(each));
        this._show(stroke);
      }, () => {
        this.stroke = null;
        this.sketch.replaceChildren();
        this._take(stroke);
      });
    });
    pane.addEventListener("pointermove", (event) => { if (!this.stroke) this._cursor(event); });
    pane.addEventListener("pointerleave", () => { if (!this.stroke) this.sketch.replaceChildren(); });
  }

  /** Show how large the brush is. */
  _cursor(event) {
    if (!this.view.painting || this.tool in FILLED) return;
    const [x, y] = this.view.place(event);
    this.sketch.replaceChildren(...["under", "over"].map((kind) =>
      svg("circle", {cx: x, cy: y, r: Math.max(0.5, this.size / 2), class: kind})));
  }

  /** Show what is being drawn. */
  _show({points, fills, size, erases}) {
    const outline = (kind) => svg("polygon", {points: fills(points).join(" "), class: kind});
    const line = () => svg("polyline", {points: points.join(" "), class: erases ? "erased" : "painted", style: `stroke-width: ${size}px`});
    this.sketch.replaceChildren(...(fills ? ["under", "over"].map(outline) : [line()]));
  }

  /** Take what was drawn into the mask: the canvas blurs edges, but every pixel is either in or out. */
  _take({points, fills, size, erases}) {
    const fine = size > 1 || fills ? points : points.map((point) => point.map((value) => Math.floor(value) + 0.5));
    const path = fills ? fills(points) : fine, reach = fills ? 2 : size / 2 + 2;
    const [left, top, right, bottom] = [[0, Math.min], [1, Math.min], [0, Math.max], [1, Math.max]]
      .map(([at, least]) => path.reduce((found, point) => least(found, point[at]), path[0][at]));
    const box = this._within([left - reach, top - reach, right + reach, bottom + reach]), [x, y, w, h] = box;
    if (!w || !h) return;
    const context = new OffscreenCanvas(w, h).getContext("2d", {willReadFrequently: true});
    context.translate(-x, -y);
    context.moveTo(path[0][0] - 0.01, path[0][1]); // a line without a length is not drawn
    path.forEach((point) => context.lineTo(...point));
    Object.assign(context, {lineWidth: size, lineCap: "round", lineJoin: "round"});
    if (fills) context.fill(); else context.stroke();
    const drawn = context.getImageData(0, 0, w, h).data;
    this._commit(box, (i, at) => (drawn[4 * at + 3] >= 128 ? Number(!erases) : this.mask[i]));
  }

  /** Change the mask in a box to what `value(index in the mask, index in the box)` says. */
  _commit(box, value) {
    const [x, y, w, h] = box;
    const change = new Uint8Array(Math.ceil(w * h / 8));
    let some = false;
    for (let row = 0, at = 0; row < h; row++)
      for (let i = (y + row) * this.width + x, end = i + w; i < end; i++, at++)
        if (value(i, at) !== this.mask[i]) { change[at >> 3] |= 1 << (at & 7); some = true; }
    if (!some) return;
    const step = {box, change};
    this._flip(step);
    this.done.push(step);
    this.undone = [];
    let bytes = this.done.reduce((sum, each) => sum + each.change.length, 0);
    while (bytes > UNDO_BYTES && this.done.length > 1) bytes -= this.done.shift().change.length;
    this.changed();
  }

  /** Flip the pixels a step changed: this does it, and undoes it. */
  _flip({box: [x, y, w, h], change}) {
    const image = this.context.createImageData(w, h);
    for (let row = 0, at = 0; row < h; row++)
      for (let i = (y + row) * this.width + x, end = i + w; i < end; i++, at++) {
        if (change[at >> 3] & (1 << (at & 7))) {
          this.mask[i] ^= 1;
          this.painted += this.mask[i] ? 1 : -1;
        }
        if (this.mask[i]) colour(image.data, at, MASK, 255);
      }
    this.context.putImageData(image, x, y);
    this.touched = true;
  }

  _swap(from, to) {
    const step = from.pop();
    if (step === undefined || this.stroke) { if (step) from.push(step); return; }
    this._flip(step);
    to.push(step);
    this.changed();
  }

  _all() { return [0, 0, this.width, this.height]; }

  _within([left, top, right, bottom]) {
    const x = Math.max(0, Math.floor(left)), y = Math.max(0, Math.floor(top));
    return [x, y, Math.max(0, Math.min(this.width, Math.ceil(right)) - x),
      Math.max(0, Math.min(this.height, Math.ceil(bottom)) - y)];
  }
}

function colour(data, at, [red, green, blue], alpha) {
  data[4 * at] = red;
  data[4 * at + 1] = green;
  data[4 * at + 2] = blue;
  data[4 * at + 3] = alpha;
}
