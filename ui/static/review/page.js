// The review page: one part after the other, one key each.
import {call, el, live, t, toast} from "/static/shared/base.js";
import {bar} from "/static/shared/bar.js";
import {defectName} from "/static/shared/labels.js";
import {showWhy} from "/static/review/dialogs.js";
import {Filter, GROUPS} from "/static/review/filter.js";
import {info} from "/static/review/info.js";
import {hearKeys} from "/static/review/keys.js";
import {Masks} from "/static/review/masks.js";
import {Walk} from "/static/review/queue.js";
import {Screen} from "/static/review/screen.js";
import {API, send} from "/static/review/server.js";
import {Session} from "/static/review/session.js";
import {View} from "/static/review/view.js";

const LOOK_MS = 4000;

export async function start(element) {
  const choices = await call(`${API}/choices`);
  if (!choices.ok) { element.append(bar("review"), el("p", {class: "problem"}, choices.error)); return; }
  await new Page(element, choices).open();
}

/** Goes from part to part and labels them; what is shown and painted is its parts' work. */
class Page {
  constructor(root, choices) {
    this.root = root;
    this.defects = choices.defects;
    this.part = null;
    this.busy = false;
    this.decides = false;
    this.walk = new Walk(send);
    this.view = new View();
    this.filter = new Filter(choices, () => this.restart());
    this.session = new Session();
    this.masks = new Masks(this.view, root, {changed: () => this.tools(), fault: (text) => this.screen.fault(text)});
    this.screen = new Screen(root, {filter: this.filter.element, pictures: this.view.element, session: this.session.element});
    hearKeys({find: (key) => this.find(key), undo: () => this.undo(), view: this.view, painter: this.masks.painter});
    addEventListener("beforeunload", (event) => { if (this.masks.anyUnsaved) event.preventDefault(); });
    live((message) => this.heard(message));
  }

  async open() {
    await this.restart();
    const partId = new URLSearchParams(location.search).get("part");
    if (!partId) return;
    const answer = await send("part", {part_id: partId});
    if (answer.ok) { this.walk.insert(answer.part); await this.show(); }
    else this.screen.fault(answer.error);
  }

  /** Begin again at the head of the queue. */
  async restart() {
    this.masks.keep();
    const answer = await this.walk.start(this.filter.wanted);
    if (answer.late) return;
    if (!answer.ok) { this.screen.fault(answer.error); return; }
    await this.show();
  }

  /** Show the part the walk is at. */
  async show() {
    const part = this.walk.part;
    this.part = part;
    this.masks.turn(part);
    this.decides = Boolean(part?.may_decide && !part.mine);
    this.root.dataset.part = this.root.dataset.mask = "";
    if (part === null) { this.nothing(); return; }
    const pictures = this.walk.pictures(part);
    const both = await pictures.both.catch(() => null);
    if (part !== this.part) return;
    this.walk.forget(part);
    if (both === null) {
      this.view.clear(t("review.no_picture"));
      this.masks.start(0, 0);
    } else {
      this.masks.start(both[0].naturalWidth, both[0].naturalHeight);
      this.view.show(part, both, this.masks.layers);
      pictures.heat.then((image) => { if (part === this.part) { this.view.heat(image); this.root.dataset.heat = image ? "shown" : "none"; } });
    }
    this.masks.restore(part);
    this.root.dataset.heat = "";
    this.draw();
    this.root.dataset.part = part.part_id;
  }

  nothing() {
    this.view.clear(t("review.nothing"));
    this.masks.start(0, 0);
    this.draw();
    this.root.dataset.part = "none";
  }

  /** Draw all that is not a picture. */
  draw() {
    const {part} = this;
    this.queue();
    this.screen.about.replaceChildren(...(part ? info(part, this.decides, (label) => this.masks.show(label)) : []).filter(Boolean));
    this.session.draw();
    this.tools();
  }

  queue() { this.screen.queue(this.walk, this.part, (partId) => this.go(partId)); }

  /** Show the keys there are now. */
  tools() {
    this.root.classList.toggle("painting", Boolean(this.view.painting));
    this.root.dataset.painted = this.masks.painter.painted;
    this.screen.actions(this.actions());
  }

  fine() {
    if (this.gone) this.screen.fault(t(`review.gone_${this.gone}`));
    else this.screen.fine();
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
      this.queue();
    }, LOOK_MS);
  }

  /** Label the part, and go on once the station has written it. */
  async label(label, defect = null) {
    const {part, masks} = this;
    // Nobody labels a part that is not on the screen yet.
    if (part === null || this.busy || masks.drawing || this.root.dataset.part !== part.part_id) return;
    this.busy = true;
    this.root.dataset.busy = "yes";
    const began = performance.now();
    if (await masks.mayLabel(label)) {
      const mask = label === "NG" ? await masks.png() : null;
      const answer = await send("label", {part_id: part.part_id, label, defect, mask, decides: this.decides});
      if (answer.ok) {
        this.fine();
        this.count(part, answer.part);
        masks.saved(part);
        await this.forward();
        requestAnimationFrame(() => { this.root.dataset.latencyMs = (performance.now() - began).toFixed(1); });
      } else this.screen.fault(t("review.not_saved", {why: answer.error}));
    }
    this.busy = false;
    this.root.dataset.busy = "";
  }

  count(before, part) {
    this.walk.update(part);
    this.session.add(part);
    const group = GROUPS[before.key?.[0]];
    if (before.mine === null && this.walk.groups[group]) this.walk.groups[group] -= 1;
  }

  /** Take the last label of this session back, and show its part again. */
  async undo() {
    const {last} = this.session;
    if (this.busy) return;
    if (!last) { toast(t("review.nothing_to_undo")); return; }
    this.busy = true;
    this.masks.keep();
    const answer = await send("undo", last);
    if (answer.ok) {
      this.fine();
      this.session.takeBack();
      if (this.walk.go(last.part_id)) this.walk.update(answer.part);
      else this.walk.insert(answer.part);
      await this.show();
      toast(t("review.undone"));
    } else {
      // What cannot be undone now never will be: the label is no longer the last one.
      if (!this.gone) this.session.forget();
      this.screen.fault(answer.error);
    }
    this.busy = false;
  }

  async forward() {
    this.masks.keep();
    await this.walk.forward();
    await this.show();
  }

  async step(way) {
    if (this.busy || this.masks.drawing) return;
    if (way > 0 && this.part === null) { await this.restart(); return; }
    if (way > 0) { await this.forward(); return; }
    this.masks.keep();
    if (this.walk.back()) await this.show();
  }

  async go(partId) {
    if (this.busy) return;
    this.masks.keep();
    if (this.walk.go(partId)) await this.show();
  }

  /** What can be done now, each with its key. */
  actions() {
    const {part, view} = this;
    const off = () => part === null;
    const label = [
      {key: "o", name: "ok", kind: "ok", act: () => this.label("OK"), off},
      {key: "n", name: "ng", kind: "ng", act: () => this.label("NG"), off},
      ...this.defects.map((defect, i) => ({key: `${i + 1}`, name: `defect-${i + 1}`, text: defectName(defect), kind: "defect",
        act: () => this.label("NG", defect), off})),
    ];
    const decide = part?.may_decide ? [{key: "d", name: "decide", on: () => this.decides,
      act: () => { this.decides = !this.decides; this.draw(); }}] : [];
    const walk = [
      {key: "ArrowLeft", name: "back", act: () => this.step(-1)},
      {key: "ArrowRight", name: "next", act: () => this.step(1)},
      {key: "u", name: "undo", act: () => this.undo()},
      {key: "m", name: "mask", act: () => this.masks.paint(), off},
    ];
    const why = {key: "w", name: "why", act: () => showWhy(part), off: () => part === null || part.score === null};
    const second = [...(view.painting ? [] : walk), ...view.actions(() => this.tools()), why, ...decide];
    return {label, second, paint: view.painting ? this.masks.actions() : []};
  }

  find(key) {
    const {label, second, paint} = this.actions();
    const more = [{key: "s", name: "next", act: () => this.step(1)}, {key: "+", act: () => this.view.zoom(1)},
      {key: "-", act: () => this.view.zoom(-1)}, {key: "0", act: () => this.view.fit()},
      {key: "Enter", act: () => { if (this.part === null) this.restart(); }}];
    if (this.view.painting) more.push({key: "m", act: () => this.masks.paint()});
    else more.push({key: "Backspace", act: () => this.undo()});
    return [...label, ...paint, ...second, ...more].find((action) => action.key === key);
  }
}
