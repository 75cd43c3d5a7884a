// What this person labelled since this tab of the browser was opened: how many, how fast, what can be undone.
import {el, lang, t} from "/static/shared/base.js";

const RATE_MS = 15 * 60e3;

export class Session {
  constructor() {
    this.undoable = stored("review-undo", []);
    this.times = stored("review-times", []);
    this.element = el("div", {class: "session"});
  }

  /** The last label, {part_id, number}; undefined where there is none to be undone. */
  get last() { return this.undoable.at(-1); }

  add(part) {
    this.undoable.push({part_id: part.part_id, number: part.mine.number});
    this.times.push(Date.now());
    store("review-undo", this.undoable.slice(-200));
    store("review-times", this.times.slice(-5000));
  }

  /** The last label was taken back. */
  takeBack() {
    this.times.pop();
    store("review-times", this.times);
    this.forget();
  }

  /** The last label cannot be taken back any more. */
  forget() {
    this.undoable.pop();
    store("review-undo", this.undoable);
  }

  draw() {
    const recent = this.times.filter((time) => time > Date.now() - RATE_MS);
    const hours = recent.length > 1 ? (recent.at(-1) - recent[0]) / 3600e3 : 0;
    const perHour = hours > 1 / 60 ? Math.round((recent.length - 1) / hours) : null;
    this.element.replaceChildren(el("b", {data: {labelled: this.times.length}}, t("review.session", {n: this.times.length.toLocaleString(lang)})),
      perHour === null ? "" : el("span", {}, t("review.per_hour", {n: perHour.toLocaleString(lang)})));
  }
}

function stored(name, otherwise) {
  try { return JSON.parse(sessionStorage.getItem(name)) ?? otherwise; } catch { return otherwise; }
}

function store(name, value) {
  try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* full: undo and counter end with this page */ }
}
