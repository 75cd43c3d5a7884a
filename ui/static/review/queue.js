// The parts a person goes through: the server's order, those seen before, and what comes next.
import {load} from "/static/review/view.js";

const PAGE = 20, AHEAD = 3, KEPT = 8;

export class Walk {
  /** `ask(path, body)` asks the server. */
  constructor(ask) {
    this.ask = ask;
    this.loads = new Map();
    this._empty();
  }

  _empty() {
    this.parts = [];
    this.index = 0;
    this.end = null;
    this.groups = {};
    this.total = 0;
  }

  get part() { return this.parts[this.index] ?? null; }
  get next() { return this.parts.slice(this.index + 1); }

  /** Begin with the first part of a filter. Gives {ok, error, late}; `late`: another was begun meanwhile. */
  async start(filter) {
    this.begun = filter;
    const answer = await this._page(filter, null);
    if (filter !== this.begun) return {ok: true, late: true};
    if (!answer.ok) return answer;
    this.asking = null;
    this.filter = filter;
    this._empty();
    this._take(answer);
    this.parts = answer.parts;
    this.end = answer.end;
    this.ahead();
    return answer;
  }

  /** Put a part in front, one that somebody asked for by its name. */
  insert(part) {
    this.parts = this.parts.filter((each) => each.part_id !== part.part_id);
    this.parts.splice(this.index, 0, part);
    this.ahead();
  }

  /** Go on; false at the end. What comes after is asked for before it is needed. */
  async forward() {
    if (this.index >= this.parts.length) return false;
    if (this.index + 1 >= this.parts.length && this.end) await this.more();
    this.index += 1;
    this.ahead();
    return this.part !== null;
  }

  /** Go back to the part seen before; false at the beginning. */
  back() {
    if (this.index === 0) return false;
    this.index -= 1;
    this.ahead();
    return true;
  }

  /** Go to a part that was seen or is to come; false where it is neither. */
  go(partId) {
    const at = this.parts.findIndex((part) => part.part_id === partId);
    if (at < 0) return false;
    this.index = at;
    this.ahead();
    return true;
  }

  /** Take what the server now says of a part. */
  update(part) {
    const at = this.parts.findIndex((each) => each.part_id === part.part_id);
    if (at >= 0) this.parts[at] = {...this.parts[at], ...part};
  }

  /** The loading pictures of a part. */
  pictures(part) {
    if (!this.loads.has(part.part_id)) this.loads.set(part.part_id, load(part));
    return this.loads.get(part.part_id);
  }

  /** Pictures that were shown went into the page; another look wants new ones. */
  forget(part) { this.loads.delete(part.part_id); }

  /** Load what comes next, and ask for more of the queue in time. */
  ahead() {
    for (const part of this.parts.slice(this.index, this.index + 1 + AHEAD)) this.pictures(part);
    const near = new Set(this.parts.slice(Math.max(0, this.index - 1), this.index + 1 + AHEAD).map((part) => part.part_id));
    for (const partId of this.loads.keys()) if (this.loads.size > KEPT && !near.has(partId)) this.loads.delete(partId);
    if (this.end && this.parts.length - this.index < 2 * AHEAD) this.more();
  }

  /** Ask for the next page of the queue, once at a time. */
  more() {
    const filter = this.filter;
    this.asking ??= this._page(filter, this.end).then((answer) => {
      if (filter !== this.filter) return;
      this.asking = null;
      if (!answer.ok) return;
      this.end = answer.end;
      this._add(answer.parts);
    });
    return this.asking;
  }

  /** Look whether anything more urgent came up; gives whether there is. */
  async look() {
    const filter = this.filter;
    const answer = await this._page(filter, null);
    if (!answer.ok || filter !== this.filter) return false;
    this._take(answer);
    const known = new Set(this.parts.map((part) => part.part_id));
    const coming = this.next[0];
    const urgent = answer.parts.filter((part) => !known.has(part.part_id) && (!coming || before(part.key, coming.key)));
    if (!coming && this.end) return false;
    this.parts.splice(this.index + 1, 0, ...urgent);
    if (urgent.length) this.ahead();
    return urgent.length > 0;
  }

  _page(filter, after) { return this.ask("queue", {filter, after, limit: PAGE}); }

  _take(answer) {
    this.groups = answer.groups;
    this.total = answer.total;
  }

  _add(parts) {
    const known = new Set(this.parts.map((part) => part.part_id));
    this.parts.push(...parts.filter((part) => !known.has(part.part_id)));
  }
}

function before(one, other) {
  for (let i = 0; i < 2; i++) if (one[i] !== other[i]) return one[i] < other[i];
  return one[2] > other[2];
}
