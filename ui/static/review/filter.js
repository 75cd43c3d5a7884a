// Which parts are in the queue: the line of choices above the pictures.
import {el, t} from "/static/shared/base.js";

const STATES = ["todo", "unlabelled", "second", "disagreements", "mine", "labelled", "all"];
const VERDICTS = ["REVIEW", "CANNOT_INSPECT", "FAIL", "PASS"];
const TIMES = ["any", "today", "day", "week", "between"];

export class Filter {
  /** `changed()` is called when a person asked for other parts. */
  constructor(choices, changed) {
    const any = t("review.any");
    const select = (name, options) => el("label", {}, el("span", {}, t(`review.filter_${name}`)),
      el("select", {name, onchange: () => this._changed(changed)},
        ...options.map(([value, text]) => el("option", {value}, text))));
    const named = (names) => [["", any], ...names.map((name) => [name, name])];
    this.lots = el("datalist", {id: "review-lots"});
    this.between = el("div", {class: "between", hidden: true},
      ...["since", "until"].map((name) => el("label", {}, el("span", {}, t(`review.filter_${name}`)),
        el("input", {type: "datetime-local", name, onchange: changed}))));
    this.element = el("form", {class: "filter", onsubmit: (event) => event.preventDefault()},
      select("state", STATES.map((state) => [state, t(`review.state_${state}`)])),
      select("verdict", [["", any], ...VERDICTS.map((verdict) => [verdict, t(`operator.verdict_${verdict}`)])]),
      select("zone", named(choices.zones)),
      select("product", named(choices.products)),
      select("recipe", [["", any], ...choices.recipes.map((id) => [id, id.slice(0, 12)])]),
      el("label", {}, el("span", {}, t("review.filter_lot")),
        el("input", {name: "lot", list: "review-lots", placeholder: any, autocomplete: "off", onchange: changed}), this.lots),
      select("time", TIMES.map((time) => [time, t(`review.time_${time}`)])),
      this.between);
    this.offer(choices);
  }

  /** Offer the lots there are by now. */
  offer(choices) { this.lots.replaceChildren(...choices.lots.map((value) => el("option", {value}))); }

  /** What is asked for, as the server wants it. */
  get wanted() {
    const given = Object.fromEntries(new FormData(this.element));
    const {state, time, since, until, ...names} = given;
    const seconds = (text) => text ? new Date(text).getTime() / 1000 : null;
    const times = {
      any: [null, null], today: [new Date().setHours(0, 0, 0, 0) / 1000, null],
      day: [Date.now() / 1000 - 86400, null], week: [Date.now() / 1000 - 7 * 86400, null],
      between: [seconds(since), seconds(until)],
    }[time];
    const asked = Object.fromEntries(Object.entries(names).map(([name, value]) => [name, value.trim() || null]));
    return {state, ...asked, since_s: times[0], until_s: times[1]};
  }

  _changed(changed) {
    this.between.hidden = this.element.elements.time.value !== "between";
    changed();
  }
}
