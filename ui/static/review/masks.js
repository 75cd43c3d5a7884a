// The mask of the part on the screen: the one begun, the one saved, the one proposed; never one of another part.
import {t, toast} from "/static/shared/base.js";
import {Painter} from "/static/review/paint.js";

export const API = "/api/engineer/review";
const DRAFTS = 10, MASK_MS = 10e3;

export class Masks {
  /** `changed()` is called after every change, `fault(text)` where a mask stands in the way of a label. */
  constructor(view, root, {changed, fault}) {
    this.view = view;
    this.root = root;
    this.changed = changed;
    this.fault = fault;
    this.part = null;
    this.drafts = new Map();
    this.restored = Promise.resolve(true);
    this.restoring = null;
    this.painter = new Painter(view, () => { if (this.painter) changed(); });
  }

  get layers() { return this.painter.layers; }
  get drawing() { return Boolean(this.painter.stroke); }
  get unsaved() { return this.painter.painted > 0 && this.painter.touched; }
  get anyUnsaved() { return this.unsaved || this.drafts.size > 0; }

  /** Another part comes: painting ends. */
  turn(part) {
    this.part = part;
    if (this.view.painting) this.paint();
  }

  /** Begin with an empty mask of this size. */
  start(width, height) { this.painter.start(width, height); }

  /** Show the mask a person had begun, else the one they saved. */
  restore(part) { this.restored = this._restore(part); }

  /** Whether it is shown; false where it cannot be. */
  async _restore(part) {
    const {width, height} = this.painter;
    const draft = this.drafts.get(part.part_id);
    if (draft) {
      if (draft.mask.length !== width * height) return false;
      this.painter.put(draft.mask);
      this.painter.touched = true;
      return true;
    }
    if (!part.mine?.mask) return true;
    this.restoring = part;
    const late = new Promise((on) => setTimeout(on, MASK_MS, null));
    const mask = await Promise.race([fromUrl(urlOf(part, part.mine.number), width, height).catch(() => null), late]);
    if (part !== this.part) return false;
    this.restoring = null;
    if (mask && !this.painter.touched) this.painter.put(mask);
    this.root.dataset.mask = mask ? "shown" : "lost";
    return mask !== null;
  }

  /** Remember a mask that was painted but not saved yet. */
  keep() {
    const {part, painter} = this;
    // While the next part is loading, what is painted is that of the part before, and kept already.
    if (part === null || this.root.dataset.part !== part.part_id) return;
    if (painter.touched) this.drafts.delete(part.part_id);
    if (!this.unsaved) return;
    this.drafts.set(part.part_id, {name: part.serial ?? `#${part.number}`, mask: painter.mask});
    if (this.drafts.size <= DRAFTS) return;
    const [[oldest, {name}]] = this.drafts;
    this.drafts.delete(oldest);
    toast(t("review.draft_dropped", {part: name, most: DRAFTS}), "bad");
  }

  /** Wait for the mask that belongs to the part; false where a label would drop it unseen. */
  async mayLabel(label) {
    const {part, painter} = this;
    const restored = await this.restored;
    if (part !== this.part || painter.stroke) return false;
    if (label === "NG" && !restored && !painter.painted) {
      this.fault(t("review.mask_not_shown"));
      this.restore(part);
      return false;
    }
    if (label === "OK" && painter.painted && painter.touched && this.warned !== part.part_id) {
      this.warned = part.part_id;
      toast(t("review.mask_lost"), "bad");
      return false;
    }
    return true;
  }

  /** What is painted, as PNG in base64, opaque where it is; null where nothing is. */
  get png() {
    const {canvas, painted} = this.painter;
    return painted ? canvas.toDataURL().split(",")[1] : null;
  }

  /** The station wrote what was painted on a part. */
  saved(part) {
    this.drafts.delete(part.part_id);
    this.painter.touched = false;
  }

  /** Show the mask of somebody's label by its number; it can be taken over like a proposal. */
  async show(number) {
    const part = this.part;
    const mask = await fromUrl(urlOf(part, number), this.painter.width, this.painter.height);
    if (part !== this.part) return;
    if (!this.view.painting) this.paint();
    this.painter.propose(mask);
  }

  /** Begin or end painting. */
  paint() {
    const {part, painter, view} = this;
    if (!painter.width && !view.painting) return;
    if (!view.painting && this.restoring === part) {
      this.restored.then(() => { if (part === this.part && !view.painting) this.paint(); });
      return;
    }
    view.painting = !view.painting;
    // Heat hides what is to be painted; one key brings it back.
    if (view.heatOn !== !view.painting) view.toggleHeat();
    this.changed();
    requestAnimationFrame(() => { view.fit(); this.root.dataset.painting = view.painting ? "yes" : "no"; });
    if (view.painting && !painter.painted && part) this._propose();
  }

  async _propose() {
    const part = this.part;
    this.root.dataset.proposal = "";
    const mask = await fromUrl(`${API}/proposal/${part.part_id}`, this.painter.width, this.painter.height);
    if (part !== this.part || !this.view.painting) return;
    this.painter.propose(mask);
    this.root.dataset.proposal = mask ? "shown" : "none";
  }

  get acts() {
    const {painter} = this;
    const tools = ["brush", "eraser", "lasso", "circle", "ellipse"].map((tool) => [tool, () => painter.choose(tool)]);
    return {
      ...Object.fromEntries(tools),
      smaller: () => painter.larger(-1), larger: () => painter.larger(1), unpaint: () => painter.undo(), repaint: () => painter.redo(),
      accept: () => painter.accept(), clear: () => painter.clear(), leave: () => this.paint(),
    };
  }
}

const urlOf = (part, number) => `${API}/mask/${part.part_id}/${number}`;

/** Read a mask from the server; null where there is none, or it has another size. */
async function fromUrl(url, width, height) {
  const answer = await fetch(url);
  if (answer.status !== 200) return null;
  const bitmap = await createImageBitmap(await answer.blob(), {colorSpaceConversion: "none"});
  if (bitmap.width !== width || bitmap.height !== height) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = pixels[4 * i] >= 128 ? 1 : 0;
  return mask;
}
