// Polygons on a picture, drawn and edited with the mouse. Knows nothing of what they are for.
import {svg} from "/static/shared/base.js";
import {DRAGGED} from "/static/shared/shapes.js";

const NEAR = 9, DRAG = 6, MOST_UNDO = 200, FEW = 24, APART = 24;

/** A picture with shapes: {kind, points: [[x, y], …], …}. `changed()` is called after each change a
    person made, `chosen(i)` when a shape is selected, `measured(px)` after two clicks of the scale. */
export class Drawing {
  constructor(place, {changed, chosen, measured}) {
    Object.assign(this, {changed, chosen, measured});
    this.shapes = []; this.past = []; this.future = [];
    this.selected = -1; this.point = -1; this.mode = "select"; this.form = "box"; this.drawn = []; this.grip = null;
    this.svg = svg("svg", {class: "drawing", tabindex: 0});
    this.picture = svg("image", {x: 0, y: 0});
    this.layer = svg("g");
    this.svg.append(this.picture, this.layer);
    place.append(this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.down(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    this.svg.addEventListener("pointerup", (event) => this.up(event));
    this.svg.addEventListener("wheel", (event) => this.zoom(event), {passive: false});
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.seen = new ResizeObserver(() => this.draw());
    this.seen.observe(this.svg);
  }

  close() { this.seen.disconnect(); }

  show(url, width, height) {
    Object.assign(this, {width, height, box: [0, 0, width, height]});
    for (const [name, value] of Object.entries({href: url, width, height})) this.picture.setAttribute(name, value);
    this.draw();
  }

  /** Show shapes that come from elsewhere; there is nothing to undo then. */
  set(shapes) {
    this.shapes = structuredClone(shapes);
    this.past = []; this.future = []; this.selected = -1;
    this.draw();
  }

  use(mode) { this.mode = mode; this.drawn = []; this.svg.dataset.mode = mode; this.draw(); this.svg.focus(); }

  /** Change the shapes so that it can be undone. */
  change(how) {
    this.past.push(JSON.stringify(this.shapes));
    if (this.past.length > MOST_UNDO) this.past.shift();
    this.future = [];
    how(this.shapes);
    this.draw();
    this.changed();
  }

  undo() { this.step(this.past, this.future); }
  redo() { this.step(this.future, this.past); }

  step(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(this.shapes));
    this.shapes = JSON.parse(from.pop());
    this.choose(-1);
    this.changed();
  }

  choose(i, point = -1) { this.selected = i; this.point = point; this.draw(); this.chosen(i); }

  remove(i = this.selected) {
    if (i < 0) return;
    this.selected = -1;
    this.change((shapes) => shapes.splice(i, 1));
    this.chosen(-1);
  }

  removePoint() {
    const shape = this.shapes[this.selected];
    if (!shape || this.point < 0 || shape.points.length <= 3) return this.remove();
    const at = this.point;
    this.point = -1;
    this.change(() => shape.points.splice(at, 1));
  }

  // Where things are

  get scale() { return this.svg.getScreenCTM()?.a || 1; }

  at(event) {
    const found = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return this.within([found.x, found.y]);
  }

  /** The nearest place of the picture, to a tenth of a pixel. */
  within([x, y]) { return [[x, this.width], [y, this.height]].map(([at, most]) => Math.round(10 * Math.min(most, Math.max(0, at))) / 10); }

  /** What a drag from where it began has drawn. */
  dragging(to) { return DRAGGED[this.form](this.pressed, to).map((point) => this.within(point)); }

  near(a, b, px = NEAR) { return Math.hypot(a[0] - b[0], a[1] - b[1]) * this.scale < px; }

  // Mouse and keys

  down(event) {
    this.svg.focus();
    if (event.button === 1 || event.shiftKey) { this.pan = [event.clientX, event.clientY, ...this.box]; this.hold(event); return; }
    if (event.button !== 0) return;
    const at = this.at(event);
    if (this.mode !== "select") { this.pressed = at; this.hold(event); return; }
    const {shape, point, edge} = event.target.dataset ?? {};
    if (shape === undefined) { this.choose(-1); return; }
    const i = Number(shape), before = JSON.stringify(this.shapes);
    if (edge !== undefined) this.shapes[i].points.splice(Number(edge) + 1, 0, at);
    const held = edge !== undefined ? Number(edge) + 1 : point !== undefined ? Number(point) : -1;
    this.grip = {i, point: held, from: at, before, points: structuredClone(this.shapes[i].points), moved: edge !== undefined};
    this.hold(event);
    this.choose(i, held);
  }

  hold(event) { try { this.svg.setPointerCapture(event.pointerId); } catch { /* the pointer is gone already */ } }

  move(event) {
    if (this.pan) return this.panned(event);
    const at = this.at(event);
    if (this.grip) return this.dragged(at);
    this.hover = at;
    if (this.mode !== "select") this.draw();
  }

  up(event) {
    if (this.pan) { this.pan = null; return; }
    if (this.grip) {
      const {moved, before} = this.grip;
      this.grip = null;
      if (moved) { this.past.push(before); this.future = []; this.draw(); this.changed(); }
    } else if (this.pressed) {
      const at = this.at(event), dragged = !this.drawn.length && this.mode !== "scale" && !this.near(this.pressed, at, DRAG);
      const points = dragged && this.dragging(at);
      this.pressed = null;
      if (points) this.finish(points); else this.click(at);
    }
  }

  dragged(at) {
    const {i, point, from, points} = this.grip, shape = this.shapes[i];
    if (this.near(from, at, 2) && !this.grip.moved) return;
    this.grip.moved = true;
    if (point >= 0) shape.points[point] = at;
    else shape.points = shifted(points, at[0] - from[0], at[1] - from[1], this.width, this.height);
    this.draw();
  }

  click(at) {
    const {drawn} = this;
    const closes = drawn.length >= 3 && (this.near(drawn[0], at) || this.near(drawn.at(-1), at, 4));
    if (closes) return this.finish();
    if (drawn.length && this.near(drawn.at(-1), at, 4)) return;
    drawn.push(at);
    if (this.mode === "scale" && drawn.length === 2) {
      this.measured(Math.hypot(drawn[0][0] - drawn[1][0], drawn[0][1] - drawn[1][1]));
    } else if (this.mode === "scale" && drawn.length > 2) this.drawn = [at];
    this.draw();
  }

  finish(points = this.drawn) {
    if (points.length < 3 || this.mode === "scale") return;
    const kind = this.mode;
    this.drawn = [];
    this.change((shapes) => shapes.push({kind, points}));
    this.use("select");
    this.choose(this.shapes.length - 1);
  }

  key(event) {
    const ctrl = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    if (ctrl && key === "z") event.shiftKey ? this.redo() : this.undo();
    else if (ctrl && key === "y") this.redo();
    else if (key === "escape") this.use("select");
    else if (key === "enter") this.finish();
    else if (key === "delete" || key === "backspace") this.drawn.length ? (this.drawn.pop(), this.draw()) : this.removePoint();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  zoom(event) {
    event.preventDefault();
    const [x, y] = this.at(event), [left, top, width] = this.box;
    const wide = Math.min(this.width, Math.max(this.width / 32, width * (event.deltaY > 0 ? 1.25 : 0.8)));
    const k = wide / width;
    this.look(x - (x - left) * k, y - (y - top) * k, wide);
  }

  panned(event) {
    const [x, y, left, top, width] = this.pan;
    this.look(left - (event.clientX - x) / this.scale, top - (event.clientY - y) / this.scale, width);
  }

  look(left, top, width) {
    const height = width * this.height / this.width;
    this.box = [Math.min(Math.max(0, left), this.width - width), Math.min(Math.max(0, top), this.height - height), width, height];
    this.draw();
  }

  // Drawing

  draw() {
    if (!this.box) return;
    this.svg.setAttribute("viewBox", this.box.join(" "));
    const r = 6 / this.scale, made = [];
    this.shapes.forEach((shape, i) => {
      const here = i === this.selected;
      made.push(svg("polygon", {points: shape.points.join(" "), class: `shape ${shape.kind} ${here ? "here" : ""}`, "data-shape": i}));
      if (here && this.mode === "select") made.push(...this.handles(shape, i, r));
    });
    const drawn = this.hover && this.drawn.length ? [...this.drawn, this.hover] : this.drawn;
    if (this.mode === "scale") made.push(svg("polyline", {points: this.drawn.length === 2 ? this.drawn.join(" ") : drawn.slice(-2).join(" "), class: "line scale"}));
    else if (this.pressed && this.hover && !this.drawn.length) made.push(svg("polygon", {points: this.dragging(this.hover).join(" "), class: `shape ${this.mode}`}));
    else made.push(svg("polyline", {points: drawn.join(" "), class: `line ${this.mode}`}));
    for (const [x, y] of this.drawn) made.push(svg("circle", {cx: x, cy: y, r, class: "handle"}));
    this.layer.replaceChildren(...made);
  }

  /** What is dragged of a shape; of one with many points, as an ellipse is, those that stand apart at this scale. */
  handles({points}, i, r) {
    const next = (k) => points[(k + 1) % points.length];
    const shown = [...points.keys()].filter((k) => points.length <= FEW || !this.near(points[k], next(k), APART));
    const at = ([x, y], size, more) => svg("circle", {cx: x, cy: y, r: r * size, "data-shape": i, ...more});
    const middle = (k) => points[k].map((value, axis) => (value + next(k)[axis]) / 2);
    return [...shown.map((k) => at(middle(k), 0.7, {class: "handle edge", "data-edge": k})),
      ...shown.map((k) => at(points[k], 1.15, {class: `handle ${k === this.point ? "here" : ""}`, "data-point": k}))];
  }
}

/** Move points together, as far as the picture goes. */
function shifted(points, dx, dy, width, height) {
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const x = Math.min(width - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const y = Math.min(height - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return points.map(([a, b]) => [Math.round(10 * (a + x)) / 10, Math.round(10 * (b + y)) / 10]);
}
