// The review page: one part after the other, one key each. What it shows beside pictures and masks is the server's HTML.
import {call, el, live, made, t, toast} from "/static/shared/base.js";
import {signs} from "/static/shared/verdict_signs.js";
import {hearKeys} from "/static/review/keys.js";
import {API, Masks} from "/static/review/masks.js";
import {Walk} from "/static/review/queue.js";
import {View} from "/static/review/view.js";

const LOOK_MS = 4000;
/** Parts seen before that stay in the list above the present one, and those that are to come. */
const SEEN = 6, COMING = 30;

/** `wanted()` gives which parts were chosen above, `watch` calls when others were. */
export async function start(root, wanted, watch) {
  const screen = await call(`${API}/screen`);
  if (!screen.ok) { root.append(el("p", {class: "problem"}, screen.error)); return; }
  root.append(signs(), made(screen.html));
  const page = new Page(root, wanted);
  watch(() => page.chosen());
  await page.open();
}

/** Goes from part to part and labels them. */
class Page {
  constructor(root, wanted) {
    this.root = root;
    this.wanted = wanted;
    root.tabIndex = -1;
    this.part = this.last = null;
    this.busy = this.decides = false;
    this.find = (selector) => root.querySelector(selector);
    this.walk = new Walk((body) => this.ask("queue", body));
    this.view = new View(this.find(".panes"));
    this.masks = new Masks(this.view, root, {changed: () => this.tools(), fault: (text) => this.fault(text)});
    hearKeys(root, (key, repeat) => this.press(key, repeat), this.masks);
    root.addEventListener("click", (event) => this.clicked(event.target));
    addEventListener("beforeunload", (event) => { if (this.masks.anyUnsaved) event.preventDefault(); });
    live((message) => this.heard(message));
  }

  /** Ask the server; a session that ended leaves everything as it is. Gives {ok: true, …} or {ok: false, error}. */
  async ask(path, body) {
    const filter = body.filter ?? this.walk.filter;
    const answer = await call(`${API}/${path}`, {...body, filter});
    if (answer.status === 401) return {ok: false, error: t("review.signed_out")};
    if (answer.ok && filter === this.walk.begun) {
      this.find(".counts").innerHTML = answer.html_counts;
      this.find(".session").innerHTML = answer.html_session;
      this.last = answer.last;
    }
    return answer;
  }

  async open() {
    await this.restart();
    const partId = new URLSearchParams(location.search).get("part");
    if (!partId) return;
    const answer = await this.ask("part", {part_id: partId});
    if (answer.ok) { this.walk.insert(answer.part); await this.show(); }
    else this.fault(answer.error);
  }

  /** Other parts were chosen, or the same as before. */
  chosen() { if (JSON.stringify(this.wanted()) !== JSON.stringify(this.walk.begun)) this.restart(); }

  /** Begin again at the head of the queue. */
  async restart() {
    this.masks.keep();
    const answer = await this.walk.start({...this.wanted()});
    if (answer.late) return;
    if (answer.ok) await this.show();
    else this.fault(answer.error);
  }

  /** Show the part the walk is at. */
  async show() {
    const {part} = this.walk;
    this.part = part;
    this.masks.turn(part);
    this.decides = Boolean(part?.may_decide && !part.mine);
    this.root.dataset.part = this.root.dataset.mask = "";
    if (part === null) {
      this.without("review.nothing");
      this.draw();
      this.root.dataset.part = "none";
      return;
    }
    const pictures = this.walk.pictures(part);
    const both = await pictures.both.catch(() => null);
    if (part !== this.part) return;
    this.walk.forget(part);
    if (both === null) this.without("review.no_picture");
    else {
      this.masks.start(both[0].naturalWidth, both[0].naturalHeight);
      this.view.show(part, both, this.masks.layers);
      pictures.heat.then((image) => { if (part === this.part) { this.view.heat(image); this.root.dataset.heat = image ? "shown" : "none"; } });
    }
    this.masks.restore(part);
    this.root.dataset.heat = "";
    this.draw();
    this.root.dataset.part = part.part_id;
  }

  /** Show a line of text in place of a picture. */
  without(text) {
    this.view.clear(t(text));
    this.masks.start(0, 0);
  }

  /** Draw all that is not a picture. */
  draw() {
    this.find(".info").innerHTML = this.part?.html_about ?? "";
    this.list();
    this.tools();
  }

  list() {
    const {parts, index} = this.walk, list = this.find(".queue");
    const from = Math.max(0, index - SEEN);
    list.innerHTML = parts.slice(from, index + COMING).map((part) => part.html_line).join("");
    list.children[index - from]?.classList.add("here");
  }

  /** Show what can be done now. */
  tools() {
    const {part, view, masks: {painter}} = this;
    this.root.classList.toggle("painting", Boolean(view.painting));
    this.root.classList.toggle("decides", this.decides);
    this.root.dataset.painted = painter.painted;
    const on = {heat: view.heatOn, outlines: view.outlinesOn, decide: this.decides, [painter.tool]: true};
    const off = {mask: part === null, why: (part?.score ?? null) === null, unpaint: painter.done.length === 0,
      repaint: painter.undone.length === 0, accept: painter.proposal === null, clear: painter.painted === 0};
    for (const key of this.root.querySelectorAll(".key")) {
      const {act, label} = key.dataset;
      key.classList.toggle("on", on[act] ?? false);
      key.disabled = label ? part === null : off[act] ?? false;
    }
    this.find("[data-act=decide]").hidden = !part?.may_decide;
    this.find("[data-act=brush] span").textContent = t("review.do_brush", {n: painter.size});
  }

  /** Say what went wrong until something goes right. */
  fault(text) {
    const trouble = this.find(".trouble");
    trouble.textContent = text;
    trouble.hidden = text === null;
  }

  fine() { this.fault(this.gone ? t(`review.gone_${this.gone}`) : null); }

  heard(message) {
    if (message.type === "gone") { this.gone = message.why; this.fine(); return; }
    if (message.type === "snapshot" && message.status !== null) { this.gone = null; this.fine(); }
    if (message.type !== "part" && message.type !== "snapshot") return;
    this.looking ??= setTimeout(async () => {
      this.looking = null;
      if (this.busy || !this.walk.filter) return;
      const waited = this.part === null;
      if (await this.walk.look() && waited && this.part === null) await this.show();
      else this.list();
    }, LOOK_MS);
  }

  /** Label the part, and go on once the station has written it. */
  async label(label, defect = null) {
    const {part, masks} = this;
    // Nobody labels a part that is not on the screen yet.
    if (part === null || this.busy || masks.drawing || this.root.dataset.part !== part.part_id) return;
    await this.busily(async () => {
      const began = performance.now();
      if (!await masks.mayLabel(label)) return;
      const mask = label === "NG" ? masks.png : null;
      const answer = await this.ask("label", {part_id: part.part_id, label, defect, mask, decides: this.decides});
      if (!answer.ok) { this.fault(t("review.not_saved", {why: answer.error})); return; }
      this.fine();
      this.walk.update(answer.part);
      masks.saved(part);
      await this.forward();
      requestAnimationFrame(() => { this.root.dataset.latencyMs = (performance.now() - began).toFixed(1); });
    });
  }

  /** Take the last label of this session back, and show its part again. */
  async undo() {
    if (this.busy) return;
    if (this.last === null) { toast(t("review.nothing_to_undo")); return; }
    await this.busily(async () => {
      this.masks.keep();
      const answer = await this.ask("undo", this.last);
      if (!answer.ok) {
        // What cannot be undone now never will be: the label is no longer the last one.
        if (!this.gone) this.last = null;
        this.fault(answer.error);
        return;
      }
      this.fine();
      this.walk.update(answer.part);
      if (!this.walk.goTo(answer.part.part_id)) this.walk.insert(answer.part);
      await this.show();
      toast(t("review.undone"));
    });
  }

  /** Do one thing at a time. */
  async busily(work) {
    this.busy = true;
    this.root.dataset.busy = "yes";
    await work();
    this.busy = false;
    this.root.dataset.busy = "";
  }

  async forward() {
    this.masks.keep();
    await this.walk.forward();
    await this.show();
  }

  async step(way) {
    if (this.busy || this.masks.drawing) return;
    if (way < 0) await this.go(() => this.walk.back());
    else if (this.part === null) await this.restart();
    else await this.forward();
  }

  async go(where) {
    if (this.busy) return;
    this.masks.keep();
    if (where()) await this.show();
  }

  /** Show why a part scored as it did: the page the server made of it, in which nothing runs. */
  async why() {
    const answer = await call(`${API}/why/${this.part.part_id}`);
    if (!answer.ok) { toast(answer.error, "bad"); return; }
    const box = made(answer.html).firstElementChild;
    this.root.append(box);
    box.addEventListener("close", () => box.remove());
    box.showModal();
  }

  get acts() {
    const {view} = this;
    return {
      back: () => this.step(-1), next: () => this.step(1), undo: () => this.undo(), mask: () => this.masks.paint(),
      heat: () => { view.toggleHeat(); this.tools(); }, outlines: () => { view.toggleOutlines(); this.tools(); },
      zoom: () => view.toggleZoom(), closer: () => view.zoom(1), farther: () => view.zoom(-1), fit: () => view.fit(),
      why: () => this.why(), decide: () => { this.decides = !this.decides; this.tools(); },
      again: () => { if (this.part === null) this.restart(); },
      ...this.masks.acts,
    };
  }

  clicked(target) {
    const key = target.closest(".key"), line = target.closest("[data-part]"), mask = target.closest("[data-mask]");
    if (key?.dataset.label) this.label(key.dataset.label, key.dataset.defect);
    else if (key) this.acts[key.dataset.act]();
    else if (mask && mask !== this.root) this.masks.show(Number(mask.dataset.mask));
    else if (line && line !== this.root) this.go(() => this.walk.goTo(line.dataset.part));
  }

  /** Do what a key says; false where it says nothing. A held key repeats what does no harm. */
  press(key, repeat) {
    const shown = [...this.root.querySelectorAll(".key")].find((each) => each.dataset.key === key && each.checkVisibility());
    const act = shown?.dataset.act ?? MORE[key];
    if (!act || (act === "undo" && this.view.painting)) return false;
    if (repeat && !REPEATED.includes(act)) return true;
    if (shown) shown.click();
    else this.acts[act]();
    return true;
  }
}

const REPEATED = ["smaller", "larger", "unpaint", "repaint", "back", "next"];
/** Keys without a button, or without one while a mask is painted. */
const MORE = {s: "next", m: "mask", Backspace: "undo", "+": "closer", "-": "farther", 0: "fit", Enter: "again"};
