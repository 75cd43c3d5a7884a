// A part's picture beside its heat map: zoom and pan move both, layers lie over them.
import {svg, t} from "/static/shared/base.js";

const STEP = 1.25, MOST = 32;

/** Fetch and decode what is shown of a part; `heat` is a promise of its image, null where there is none. */
export function load(part) {
  const picture = (url) => {
    const image = new Image();
    image.decoding = "async";
    image.src = url;
    image.draggable = false;
    return image.decode().then(() => image);
  };
  const url = `/pictures/${part.part_id}/full`;
  const both = Promise.all([picture(url), picture(url)]);
  both.catch(() => {});
  // After the picture: it is what a person waits for.
  // A part that passed shows what is least usual in it, in another colour than a fault.
  const heatUrl = part.verdict === "PASS" ? `/api/engineer/review/below/${part.part_id}` : `/pictures/${part.part_id}/heat`;
  const heat = part.verdict === "CANNOT_INSPECT" ? Promise.resolve(null) : both.then(() => picture(heatUrl)).catch(() => null);
  return {both, heat};
}

/** Follow a pointer that went down until it is let go. */
export function follow(event, move, end = () => {}) {
  const pane = event.currentTarget, over = new AbortController(), {signal} = over;
  const letGo = () => { over.abort(); end(); };
  pane.setPointerCapture(event.pointerId);
  pane.addEventListener("pointermove", move, {signal});
  pane.addEventListener("pointerup", letGo, {signal});
  pane.addEventListener("pointercancel", letGo, {signal});
}

export class View {
  /** `element` has a pane for the original and one for its heat. */
  constructor(element) {
    this.element = element;
    this.heatOn = true;
    this.outlinesOn = true;
    this.panes = ["original", "heat"].map((name) => {
      const pane = element.querySelector(`.pane.${name}`);
      return {name, pane, stage: pane.querySelector(".stage"), note: pane.querySelector(".note")};
    });
    this.original = this.panes[0];
    for (const {pane} of this.panes) this._listen(pane);
    new ResizeObserver(() => { if (this.fitted) this.fit(); else this._apply(); }).observe(this.element);
    this.width = this.height = 0;
    this.part = null;
  }

  /** Show a part whose pictures are loaded. `layers` are elements over the original. */
  show(part, [left, right], layers) {
    this.part = part;
    this.width = left.naturalWidth;
    this.height = left.naturalHeight;
    for (const {stage, name, note} of this.panes) {
      stage.style.width = `${this.width}px`;
      stage.style.height = `${this.height}px`;
      const image = name === "original" ? left : right;
      image.className = "picture";
      stage.replaceChildren(image, this._outlines(), ...(name === "original" ? layers : []));
      note.textContent = "";
    }
    this._flags();
    this.fit();
  }

  /** Lay the heat over both panes; it is shown in one of them. */
  heat(image) {
    const notes = this.panes[1].note;
    if (image === null) { notes.textContent = t("review.no_heat"); return; }
    for (const {stage, name} of this.panes) {
      const layer = name === "original" ? image.cloneNode() : image;
      layer.className = "heat";
      stage.querySelector(".picture").after(layer);
    }
    notes.textContent = this.part.heat_note;
  }

  /** Show nothing but a line of text. */
  clear(text) {
    this.part = null;
    for (const {stage, note} of this.panes) { stage.replaceChildren(); note.textContent = ""; }
    this.original.note.textContent = text;
  }

  toggleHeat() { this.heatOn = !this.heatOn; this._flags(); }
  toggleOutlines() { this.outlinesOn = !this.outlinesOn; this._flags(); }

  /** Show all of the picture. */
  fit() {
    const {clientWidth: w, clientHeight: h} = this.original.pane;
    if (!this.width || !w) return;
    const scale = Math.min(w / this.width, h / this.height);
    this._put(scale, (w - this.width * scale) / 2, (h - this.height * scale) / 2, true);
  }

  /** Between all of the picture and the worst place in it. */
  toggleZoom() {
    if (!this.width) return;
    if (!this.fitted) { this.fit(); return; }
    const worst = this.part?.regions.find((region) => !region.accepted) ?? this.part?.regions[0];
    const {clientWidth: w, clientHeight: h} = this.original.pane;
    const [cx, cy, size] = worst ?
      [worst.x_px + worst.width_px / 2, worst.y_px + worst.height_px / 2, 2.5 * Math.max(worst.width_px, worst.height_px, 24)] :
      [this.width / 2, this.height / 2, Math.min(this.width, this.height) / 3];
    const scale = Math.min(MOST, Math.max(this.scale * STEP, Math.min(w, h) / size));
    this._put(scale, w / 2 - cx * scale, h / 2 - cy * scale);
  }

  zoom(steps, at = null) {
    const {clientWidth: w, clientHeight: h} = this.original.pane;
    const [px, py] = at ?? [w / 2, h / 2];
    const least = Math.min(w / this.width, h / this.height) / 2;
    const scale = Math.min(MOST, Math.max(least, this.scale * STEP ** steps)), times = scale / this.scale;
    this._put(scale, px - (px - this.x) * times, py - (py - this.y) * times);
  }

  /** The place in the picture, in its pixels, under a pointer. */
  place(event) {
    const box = this.original.pane.getBoundingClientRect();
    return [(event.clientX - box.left - this.x) / this.scale, (event.clientY - box.top - this.y) / this.scale];
  }

  /** Move with the pointer until it is let go. */
  pan(event) {
    const [startX, startY] = [event.clientX - this.x, event.clientY - this.y];
    follow(event, (next) => this._put(this.scale, next.clientX - startX, next.clientY - startY));
  }

  _listen(pane) {
    pane.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (!this.width) return;
      const box = pane.getBoundingClientRect();
      this.zoom(event.deltaY < 0 ? 1 : -1, [event.clientX - box.left, event.clientY - box.top]);
    }, {passive: false});
    pane.addEventListener("contextmenu", (event) => event.preventDefault());
    pane.addEventListener("pointerdown", (event) => { if (!this.painting || event.button !== 0) this.pan(event); });
    pane.addEventListener("dblclick", () => { if (!this.painting) this.fit(); });
  }

  _outlines() {
    const made = svg("svg", {class: "outlines", viewBox: `0 0 ${this.width} ${this.height}`});
    made.innerHTML = this.part.html_outlines;
    return made;
  }

  _flags() {
    this.element.classList.toggle("no-heat", !this.heatOn);
    this.element.classList.toggle("no-outlines", !this.outlinesOn);
  }

  /** Show it so large, its upper left corner there in each pane. */
  _put(scale, x, y, fitted = false) {
    Object.assign(this, {scale, x, y, fitted});
    this._apply();
  }

  _apply() {
    for (const {stage} of this.panes) {
      stage.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
      stage.style.setProperty("--scale", this.scale);
      stage.classList.toggle("coarse", this.scale >= 2);
    }
  }
}
