// What stands around the pictures: the queue, what is known of the part, the keys, and what went wrong.
import {el, t} from "/static/shared/base.js";
import {bar} from "/static/shared/bar.js";
import {sign, signs} from "/static/shared/verdict_signs.js";
import {counts} from "/static/review/filter.js";
import {button} from "/static/review/keys.js";

/** Parts seen before that stay in the list above the present one. */
const SEEN = 6, COMING = 30;

export class Screen {
  /** `filter`, `pictures` and `session` are elements. */
  constructor(root, {filter, pictures, session}) {
    this.root = root;
    this.counts = el("div", {class: "counts"});
    this.trouble = el("div", {class: "trouble", role: "alert", hidden: true});
    this.about = el("aside", {class: "info"});
    this.list = el("ol", {class: "queue"});
    this.palette = el("div", {class: "palette"});
    this.keys = el("div", {class: "keys"});
    root.append(signs(), bar("review"),
      el("div", {class: "top"}, filter),
      this.trouble,
      el("main", {class: "work"},
        el("section", {class: "waiting"}, this.counts, this.list, this.palette),
        pictures,
        el("section", {class: "side"}, this.about, session)),
      this.keys);
    root.tabIndex = -1;
  }

  /** Draw what waits; `go(part_id)` is called for a part that is clicked. */
  queue({groups, parts, index}, part, go) {
    this.counts.replaceChildren(...counts(groups));
    const shown = parts.slice(Math.max(0, index - SEEN), index + COMING);
    this.list.replaceChildren(...shown.map((each) =>
      el("li", {class: each === part ? "here" : "", data: {part: each.part_id}, onclick: () => go(each.part_id)},
        sign(each.verdict).element, el("span", {}, each.serial ?? `#${each.number}`))));
  }

  /** Show the keys there are now: two rows, and those of painting beside the picture. */
  actions({label, second, paint}) {
    const hint = el("span", {class: "hint"}, t("review.mask_kept"));
    this.palette.replaceChildren(...paint.map(button), ...(paint.length ? [hint] : []));
    this.keys.replaceChildren(el("div", {class: "row"}, ...label.map(button)), el("div", {class: "row"}, ...second.map(button)));
  }

  /** Say what went wrong until something goes right. */
  fault(text) {
    this.trouble.textContent = text;
    this.trouble.hidden = false;
    this.root.dataset.problem = text;
  }

  fine() {
    this.trouble.hidden = true;
    delete this.root.dataset.problem;
  }
}
