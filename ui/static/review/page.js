// The review page: one part after the other, one key each.
import {bar, call, el, lang, live, t, toast} from "/static/shared/base.js";
import {sign, signs} from "/static/shared/verdict_signs.js";
import {learnReasons} from "/static/shared/reasons.js";
import {defectName} from "/static/shared/labels.js";
import {editDefects, exportDataset, showAgreement} from "/static/review/dialogs.js";
import {Filter, counts} from "/static/review/filter.js";
import {info} from "/static/review/info.js";
import {button, elsewhere, pressed} from "/static/review/keys.js";
import {Painter} from "/static/review/paint.js";
import {fromUrl, toBase64} from "/static/review/png.js";
import {Walk} from "/static/review/queue.js";
import {View} from "/static/review/view.js";

const API = "/api/engineer/review";
const LOOK_MS = 4000, DRAFTS = 10, MASK_MS = 10e3, RATE_MS = 15 * 60e3;
/** Parts seen before that stay in the list above the present one. */
const SEEN = 6;

export async function start(element) {
  const choices = await call(`${API}/choices`);
  if (!choices.ok) { element.append(bar("review"), el("p", {class: "problem"}, choices.error)); return; }
  learnReasons(choices.reasons);
  await new Page(element, choices).open();
}

class Page {
  constructor(root, choices) {
    this.root = root;
    this.defects = choices.defects;
    this.walk = new Walk((path, body) => this.send(path, body));
    this.view = new View();
    this.painter = new Painter(this.view, () => { if (this.painter) this.tools(); });
    this.filter = new Filter(choices, () => this.restart());
    this.drafts = new Map();
    this.undoable = kept("review-undo", []);
    this.times = kept("review-times", []);
    this.busy = false;
    this.restored = Promise.resolve(true);
    this.restoring = null;
    this.decides = false;
    this.part = null;
    this.build();
    this.listen();
  }

  build() {
    const open = (name, act) => el("button", {type: "button", class: "open", data: {open: name}, onclick: act}, t(`review.${name}`));
    this.counts = el("div", {class: "counts"});
    this.trouble = el("div", {class: "trouble", role: "alert", hidden: true});
    this.side = el("aside", {class: "info"});
    this.session = el("div", {class: "session"});
    this.list = el("ol", {class: "queue"});
    this.palette = el("div", {class: "palette"});
    this.keys = el("div", {class: "keys"});
    this.root.append(signs(), bar("review"),
      el("div", {class: "top"}, this.filter.element, el("div", {class: "opens"},
        open("agreement", showAgreement),
        open("defects", () => editDefects(this.defects, (found) => { this.defects = found; this.tools(); })),
        open("export", () => exportDataset(this.filter.wanted)))),
      this.trouble,
      el("main", {class: "work"},
        el("section", {class: "waiting"}, this.counts, this.list, this.palette),
        this.view.element,
        el("section", {class: "side"}, this.side, this.session)),
      this.keys);
    this.root.tabIndex = -1;
  }

  listen() {
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keyup", (event) => { if (event.key === " ") this.painter.space = false; });
    addEventListener("beforeunload", (event) => { if (this.unsaved() || this.drafts.size) event.preventDefault(); });
    live((message) => this.heard(message));
  }

  async open() {
    await this.restart();
    const wanted = new URLSearchParams(location.search).get("part");
    if (wanted) {
      const answer = await this.send("part", {part_id: wanted});
      if (answer.ok) { this.walk.insert(answer.part); await this.show(); }
      else this.fault(answer.error);
    }
  }

  /** Begin again at the head of the queue. */
  async restart() {
    this.keep();
    const answer = await this.walk.start(this.filter.wanted);
    if (answer.late) return;
    if (!answer.ok) { this.fault(answer.error); return; }
    await this.show();
  }

  /** Show the part the walk is at. */
  async show() {
    const part = this.walk.part;
    this.part = part;
    if (this.view.painting) this.paint();
    this.decides = Boolean(part?.may_decide && !part.mine);
    this.root.dataset.part = this.root.dataset.mask = "";
    if (part === null) { this.nothing(); return; }
    const pictures = this.walk.pictures(part);
    let both;
    try {
      both = await pictures.both;
    } catch {
      if (part !== this.part) return;
      both = null;
    }
    if (part !== this.part) return;
    this.walk.forget(part);
    if (both === null) {
      this.view.clear(t("review.no_picture"));
      this.painter.start(0, 0);
      this.restored = this.restore(part);
    } else {
      this.painter.start(both[0].naturalWidth, both[0].naturalHeight);
      this.view.show(part, both, this.painter.layers);
      pictures.heat.then((image) => { if (part === this.part) { this.view.heat(image); this.root.dataset.heat = image ? "shown" : "none"; } });
      this.restored = this.restore(part);
    }
    this.root.dataset.heat = "";
    this.draw();
    this.root.dataset.part = part.part_id;
  }

  nothing() {
    this.view.clear(t("review.nothing"));
    this.painter.start(0, 0);
    this.draw();
    this.root.dataset.part = "none";
  }

  /** Draw all that is not a picture. */
  draw() {
    const {part} = this;
    this.waiting();
    this.side.replaceChildren(...(part ? info(part, this.decides, (label) => this.showMask(label)) : []).filter(Boolean));
    this.rate();
    this.tools();
  }

  /** Draw what waits. */
  waiting() {
    const {part, walk} = this;
    this.counts.replaceChildren(...counts(walk.groups));
    const shown = walk.parts.slice(Math.max(0, walk.index - SEEN), walk.index + 30);
    this.list.replaceChildren(...shown.map((each) =>
      el("li", {class: each === part ? "here" : "", data: {part: each.part_id}, onclick: () => this.go(each.part_id)},
        sign(each.verdict).element, el("span", {}, each.serial ?? `#${each.number}`))));
  }

  rate() {
    const recent = this.times.filter((time) => time > Date.now() - RATE_MS);
    const span = recent.length > 1 ? (recent.at(-1) - recent[0]) / 3600e3 : 0;
    const perHour = span > 1 / 60 ? Math.round((recent.length - 1) / span) : null;
    this.session.replaceChildren(el("b", {data: {labelled: this.times.length}}, t("review.session", {n: this.times.length.toLocaleString(lang)})),
      perHour === null ? "" : el("span", {}, t("review.per_hour", {n: perHour.toLocaleString(lang)})));
  }

  /** Say what went wrong until something goes right. */
  fault(text) {
    this.trouble.textContent = text;
    this.trouble.hidden = false;
    this.root.dataset.problem = text;
  }

  fine() {
    if (this.gone) { this.fault(t(`review.gone_${this.gone}`)); return; }
    this.trouble.hidden = true;
    delete this.root.dataset.problem;
  }

  heard(message) {
    if (message.type === "gone") { this.gone = message.why; this.fine(); return; }
    if (message.type === "snapshot" && message.status !== null) { this.gone = null; this.fine(); }
    if (message.type !== "part" && message.type !== "snapshot") return;
    this.looking ??= setTimeout(async () => {
      this.looking = null;
      if (this.busy || !this.walk.filter) return;
      const waited = this.part === null;
      if (await this.walk.look() && waited && this.part === null) { await this.show(); return; }
      this.waiting();
    }, LOOK_MS);
  }

  /** Ask the server; a session that ended leaves everything as it is. */
  async send(path, body) {
    try {
      const answer = await fetch(`${API}/${path}`, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
      if (answer.status === 401) return {ok: false, error: t("review.signed_out")};
      const found = await answer.json();
      return answer.ok ? {ok: true, ...found} : {ok: false, error: found.error ?? t("base.refused", {status: answer.status})};
    } catch {
      return {ok: false, error: t("base.no_server")};
    }
  }

  /** Label the part, and go on once the station has written it. */
  async label(label, defect = null) {
    const {part, painter} = this;
    // Nobody labels a part that is not on the screen yet.
    if (part === null || this.busy || painter.stroke || this.root.dataset.part !== part.part_id) return;
    this.busy = true;
    this.root.dataset.busy = "yes";
    const began = performance.now();
    if (!await this.mayLabel(label)) {
      this.busy = false;
      this.root.dataset.busy = "";
      return;
    }
    const mask = label === "NG" && painter.painted ? await toBase64(painter.mask, painter.width, painter.height) : null;
    const answer = await this.send("label", {part_id: part.part_id, label, defect, mask, decides: this.decides});
    if (answer.ok) {
      this.fine();
      this.count(part, answer.part);
      painter.touched = false;
      await this.forward();
      requestAnimationFrame(() => { this.root.dataset.latencyMs = (performance.now() - began).toFixed(1); });
    } else this.fault(t("review.not_saved", {why: answer.error}));
    this.busy = false;
    this.root.dataset.busy = "";
  }

  /** Wait for the mask that belongs to the part; false where a label would drop it unseen. */
  async mayLabel(label) {
    const {part, painter} = this;
    const restored = await this.restored;
    if (part !== this.part || painter.stroke) return false;
    if (label === "NG" && !restored && !painter.painted) {
      this.fault(t("review.mask_not_shown"));
      this.restored = this.restore(part);
      return false;
    }
    if (label === "OK" && painter.painted && painter.touched && this.warned !== part.part_id) {
      this.warned = part.part_id;
      toast(t("review.mask_lost"), "bad");
      return false;
    }
    return true;
  }

  count(before, part) {
    this.drafts.delete(part.part_id);
    this.walk.update(part);
    this.undoable.push({part_id: part.part_id, number: part.mine.number});
    this.times.push(Date.now());
    keep("review-undo", this.undoable.slice(-200));
    keep("review-times", this.times.slice(-5000));
    const group = ["disagreement", "review", "cannot_inspect", "fail", "pass", "done"][before.key?.[0]];
    if (before.mine === null && this.walk.groups[group]) this.walk.groups[group] -= 1;
  }

  /** Take the last label of this session back, and show its part again. */
  async undo() {
    const last = this.undoable.at(-1);
    if (this.busy) return;
    if (!last) { toast(t("review.nothing_to_undo")); return; }
    this.busy = true;
    this.keep();
    const answer = await this.send("undo", last);
    if (answer.ok) {
      this.fine();
      this.undoable.pop();
      this.times.pop();
      keep("review-undo", this.undoable);
      keep("review-times", this.times);
      if (this.walk.go(last.part_id)) this.walk.update(answer.part);
      else this.walk.insert(answer.part);
      await this.show();
      toast(t("review.undone"));
    } else {
      // What cannot be undone now never will be: the label is no longer the last one.
      if (!this.gone) { this.undoable.pop(); keep("review-undo", this.undoable); }
      this.fault(answer.error);
    }
    this.busy = false;
  }

  async forward() {
    this.keep();
    await this.walk.forward();
    await this.show();
  }

  async step(way) {
    if (this.busy || this.painter.stroke) return;
    if (way > 0 && this.part === null) { await this.restart(); return; }
    if (way > 0) { await this.forward(); return; }
    this.keep();
    if (this.walk.back()) await this.show();
  }

  async go(partId) {
    if (this.busy) return;
    this.keep();
    if (this.walk.go(partId)) await this.show();
  }

  unsaved() { return this.painter.painted > 0 && this.painter.touched; }

  /** Remember a mask that was painted but not saved yet. */
  keep() {
    const {part, painter} = this;
    // While the next part is loading, what is painted is that of the part before, and kept already.
    if (part === null || this.root.dataset.part !== part.part_id) return;
    if (painter.touched) this.drafts.delete(part.part_id);
    if (!this.unsaved()) return;
    this.drafts.set(part.part_id, painter.mask);
    if (this.drafts.size <= DRAFTS) return;
    const [oldest] = this.drafts.keys();
    this.drafts.delete(oldest);
    const dropped = this.walk.parts.find((each) => each.part_id === oldest);
    toast(t("review.draft_dropped", {part: dropped?.serial ?? (dropped ? `#${dropped.number}` : oldest), most: DRAFTS}), "bad");
  }

  /** Show the mask a person had begun, else the one they saved; gives false where it cannot be shown. */
  async restore(part) {
    const {width, height} = this.painter;
    const draft = this.drafts.get(part.part_id);
    if (draft) {
      if (draft.length !== width * height) return false;
      this.painter.put(draft);
      this.painter.touched = true;
      return true;
    }
    if (!part.mine?.mask) return true;
    this.restoring = part;
    const late = new Promise((on) => setTimeout(on, MASK_MS, null));
    const mask = await Promise.race([fromUrl(this.maskUrl(part, part.mine), width, height).catch(() => null), late]);
    if (part !== this.part) return false;
    this.restoring = null;
    if (mask && !this.painter.touched) this.painter.put(mask);
    this.root.dataset.mask = mask ? "shown" : "lost";
    return mask !== null;
  }

  maskUrl(part, label) { return `${API}/mask/${part.part_id}/${label.number}`; }

  /** Show the mask of somebody's label; it can be taken over like a proposal. */
  async showMask(label) {
    const part = this.part;
    const mask = await fromUrl(this.maskUrl(part, label), this.painter.width, this.painter.height);
    if (part !== this.part) return;
    if (!this.view.painting) this.paint();
    this.painter.propose(mask);
  }

  /** Begin or end painting the mask. */
  paint() {
    const {part} = this;
    if (!this.painter.width && !this.view.painting) return;
    if (!this.view.painting && this.restoring === part) {
      this.restored.then(() => { if (part === this.part && !this.view.painting) this.paint(); });
      return;
    }
    this.view.painting = !this.view.painting;
    // Heat hides what is to be painted; one key brings it back.
    if (this.view.heatOn !== !this.view.painting) this.view.toggleHeat();
    this.tools();
    requestAnimationFrame(() => { this.view.fit(); this.root.dataset.painting = this.view.painting ? "yes" : "no"; });
    if (this.view.painting && !this.painter.painted && part) this.propose();
  }

  async propose() {
    const part = this.part;
    this.root.dataset.proposal = "";
    const mask = await fromUrl(`${API}/proposal/${part.part_id}`, this.painter.width, this.painter.height);
    if (part !== this.part || !this.view.painting) return;
    this.painter.propose(mask);
    this.root.dataset.proposal = mask ? "shown" : "none";
  }

  actions() {
    const {painter, view, part} = this;
    const off = () => part === null;
    const label = [
      {key: "o", name: "ok", kind: "ok", act: () => this.label("OK"), off},
      {key: "n", name: "ng", kind: "ng", act: () => this.label("NG"), off},
      ...this.defects.map((defect, i) => ({key: `${i + 1}`, name: `defect-${i + 1}`, text: defectName(defect), kind: "defect",
        act: () => this.label("NG", defect), off})),
    ];
    const decide = part?.may_decide ? [{key: "d", name: "decide", on: () => this.decides,
      act: () => { this.decides = !this.decides; this.draw(); }}] : [];
    const look = [
      {key: "h", name: "heat", on: () => view.heatOn, act: () => { view.toggleHeat(); this.tools(); }},
      {key: "r", name: "outlines", on: () => view.outlinesOn, act: () => { view.toggleOutlines(); this.tools(); }},
      {key: "z", name: "zoom", act: () => view.width && view.toggleZoom()},
    ];
    const walk = [
      {key: "ArrowLeft", name: "back", act: () => this.step(-1)},
      {key: "ArrowRight", name: "next", act: () => this.step(1)},
      {key: "u", name: "undo", act: () => this.undo()},
      {key: "m", name: "mask", act: () => this.paint(), off},
    ];
    const tool = (key, name) => ({key, name, kind: "tool", on: () => painter.tool === name, act: () => painter.choose(name)});
    const brush = {...tool("b", "brush"), text: t("review.do_brush", {n: painter.size})};
    const paint = [brush, tool("e", "eraser"), tool("l", "lasso"),
      {key: "[", name: "smaller", kind: "tool", act: () => painter.larger(-1)},
      {key: "]", name: "larger", kind: "tool", act: () => painter.larger(1)},
      {key: "u", name: "unpaint", kind: "tool", act: () => painter.undo(), off: () => painter.done.length === 0},
      {key: "y", name: "repaint", kind: "tool", act: () => painter.redo(), off: () => painter.undone.length === 0},
      {key: "p", name: "accept", kind: "tool", act: () => painter.accept(), off: () => painter.proposal === null},
      {key: "x", name: "clear", kind: "tool", act: () => painter.clear(), off: () => painter.painted === 0},
      {key: "Escape", name: "leave", kind: "tool", act: () => this.paint()}];
    return {label, second: [...(view.painting ? [] : walk), ...look, ...decide], paint: view.painting ? paint : []};
  }

  /** Show the keys there are now. */
  tools() {
    const {label, second, paint} = this.actions();
    this.root.classList.toggle("painting", Boolean(this.view.painting));
    const kept = el("span", {class: "hint"}, t("review.mask_kept"));
    this.palette.replaceChildren(...paint.map(button), ...(paint.length ? [kept] : []));
    this.root.dataset.painted = this.painter.painted;
    this.keys.replaceChildren(el("div", {class: "row"}, ...label.map(button)), el("div", {class: "row"}, ...second.map(button)));
  }

  key(event) {
    if (elsewhere(event)) {
      if (event.key === "Escape") event.target.blur?.();
      return;
    }
    const key = pressed(event);
    if (event.ctrlKey || event.metaKey) { this.control(event, key); return; }
    if (event.altKey) return;
    if (key === " ") { if (this.view.painting) { this.painter.space = true; event.preventDefault(); } return; }
    const found = this.found(key);
    if (!found) return;
    event.preventDefault();
    // Held down, a key that labels labels one part.
    if (!event.repeat || ["smaller", "larger", "back", "next"].includes(found.name)) if (!found.off?.()) found.act();
  }

  found(key) {
    const {label, second, paint} = this.actions();
    const more = [{key: "s", name: "next", act: () => this.step(1)}, {key: "+", act: () => this.view.zoom(1)},
      {key: "-", act: () => this.view.zoom(-1)}, {key: "0", act: () => this.view.fit()},
      {key: "Enter", act: () => { if (this.part === null) this.restart(); }}];
    if (this.view.painting) more.push({key: "m", act: () => this.paint()});
    else more.push({key: "Backspace", act: () => this.undo()});
    return [...label, ...paint, ...second, ...more].find((action) => action.key === key);
  }

  control(event, key) {
    const redo = key === "y" || (key === "z" && event.shiftKey);
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (!this.view.painting) { if (!redo) this.undo(); return; }
    if (redo) this.painter.redo(); else this.painter.undo();
  }
}

function kept(name, otherwise) {
  try { return JSON.parse(sessionStorage.getItem(name)) ?? otherwise; } catch { return otherwise; }
}

function keep(name, value) {
  try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* full: undo and counter end with this page */ }
}
