// The parts a person goes through: the server's order, those seen before, and what comes next.
import {load} from "/static/review/view.js";

const AHEAD = 3;

export class Walk {
  /** `ask(body)` asks the server for a page of the queue. */
  constructor(ask) {
    this.ask = ask;
    this.parts = [];
    this.index = 0;
    this.end = null;
  }

  get part() { return this.parts[this.index] ?? null; }

  /** Begin with the first part of a filter. Gives {ok, error, late}; `late`: another was begun meanwhile. */
  async start(filter) {
    this.begun = filter;
    const answer = await this.ask({filter});
    if (filter !== this.begun) return {ok: true, late: true};
    if (!answer.ok) return answer;
    this.asking = null;
    this.filter = filter;
    this.parts = answer.parts;
    this.end = answer.end;
    this.go(0);
    return answer;
  }

  /** Put a part in front, one that somebody asked for by its name. */
  insert(part) {
    this.parts = this.parts.filter((each) => each.part_id !== part.part_id);
    this.parts.splice(this.index, 0, part);
    this.ahead();
  }

  /** Go on, to the end at most. What comes after is asked for before it is needed. */
  async forward() {
    if (this.index + 1 >= this.parts.length && this.end) await this.more();
    this.go(Math.min(this.index + 1, this.parts.length));
  }

  /** Go back to the part seen before; false at the beginning. */
  back() { return this.go(this.index - 1); }

  /** Go to a part that was seen or is to come; false where it is neither. */
  goTo(partId) { return this.go(this.parts.findIndex((part) => part.part_id === partId)); }

  go(index) {
    if (index < 0) return false;
    this.index = index;
    this.ahead();
    return true;
  }

  /** Take what the server now says of a part. */
  update(part) {
    this.parts = this.parts.map((each) => each.part_id === part.part_id ? {...each, ...part} : each);
  }

  /** The loading pictures of a part. */
  pictures(part) { return part.pictures ??= load(part); }

  /** Pictures that were shown went into the page; another look wants new ones. */
  forget(part) { part.pictures = null; }

  /** Load what comes next, and ask for more of the queue in time. */
  ahead() {
    const near = this.parts.slice(this.index, this.index + 1 + AHEAD);
    for (const part of this.parts) if (!near.includes(part)) this.forget(part);
    near.forEach(this.pictures);
    if (this.end && this.parts.length - this.index < 2 * AHEAD) this.more();
  }

  /** Ask for the next page of the queue, once at a time. */
  more() {
    const {filter} = this;
    this.asking ??= this.ask({after: this.end}).then((answer) => {
      if (filter !== this.filter) return;
      this.asking = null;
      if (!answer.ok) return;
      this.end = answer.end;
      this.parts.push(...this.unknown(answer.parts));
    });
    return this.asking;
  }

  /** Look whether anything came up that is more urgent than what comes next; gives whether there is. */
  async look() {
    const {filter} = this, next = this.parts[this.index + 1];
    const answer = await this.ask({before: next?.key ?? null});
    if (!answer.ok || filter !== this.filter || (!next && this.end)) return false;
    const urgent = this.unknown(answer.parts);
    this.parts.splice(this.index + 1, 0, ...urgent);
    if (urgent.length) this.ahead();
    return urgent.length > 0;
  }

  unknown(parts) {
    const known = new Set(this.parts.map((part) => part.part_id));
    return parts.filter((part) => !known.has(part.part_id));
  }
}
