// The mask of the part on the screen: the one begun, the one saved, the one proposed; never one of another part.
import {t, toast} from "/static/shared/base.js";
import {Painter} from "/static/review/paint.js";
import {fromUrl, toBase64} from "/static/review/png.js";
import {API} from "/static/review/server.js";

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
    const mask = await Promise.race([fromUrl(urlOf(part, part.mine), width, height).catch(() => null), late]);
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

  /** What is painted, as PNG in base64; null where nothing is. */
  async png() {
    const {mask, width, height, painted} = this.painter;
    return painted ? toBase64(mask, width, height) : null;
  }

  /** The station wrote what was painted on a part. */
  saved(part) {
    this.drafts.delete(part.part_id);
    this.painter.touched = false;
  }

  /** Show the mask of somebody's label; it can be taken over like a proposal. */
  async show(label) {
    const part = this.part;
    const mask = await fromUrl(urlOf(part, label), this.painter.width, this.painter.height);
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

  /** What can be done while painting. */
  actions() {
    const {painter} = this;
    const tool = (key, name) => ({key, name, kind: "tool", on: () => painter.tool === name, act: () => painter.choose(name)});
    const brush = {...tool("b", "brush"), text: t("review.do_brush", {n: painter.size})};
    return [brush, tool("e", "eraser"), tool("l", "lasso"),
      {key: "[", name: "smaller", kind: "tool", act: () => painter.larger(-1)},
      {key: "]", name: "larger", kind: "tool", act: () => painter.larger(1)},
      {key: "u", name: "unpaint", kind: "tool", act: () => painter.undo(), off: () => painter.done.length === 0},
      {key: "y", name: "repaint", kind: "tool", act: () => painter.redo(), off: () => painter.undone.length === 0},
      {key: "p", name: "accept", kind: "tool", act: () => painter.accept(), off: () => painter.proposal === null},
      {key: "x", name: "clear", kind: "tool", act: () => painter.clear(), off: () => painter.painted === 0},
      {key: "Escape", name: "leave", kind: "tool", act: () => this.paint()}];
  }
}

const urlOf = (part, label) => `${API}/mask/${part.part_id}/${label.number}`;
