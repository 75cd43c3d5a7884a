// The figures beside the histogram: those that follow the limit with every move, and texts of the server that do not.
import {el, t} from "/static/shared/base.js";
import {count, percent, short} from "/static/shared/format.js";
import {CANNOT, PASS, REJECT, UNKNOWN} from "/static/analysis/judge.js";

const ROWS = {pass: PASS, reject: REJECT, unknown: UNKNOWN, cannot: CANNOT};

export function makeFigures(place) {
  const cells = {};
  const cell = (name) => (cells[name] = el("td", {class: name}));
  const at = el("div", {class: "at"}), flips = el("div", {class: "flip-line"}), own = el("div", {class: "own-limits"});
  const [promise, escapes, overkill, labels] = ["promise", "escapes", "overkill", "small"].map((name) => el("p", {class: name}));
  const legend = el("ul", {class: "legend"});
  place.replaceChildren(at,
    el("table", {class: "counts"},
      el("tr", {}, ...["parts", "stored", "at_this"].map((name) => el("th", {scope: "col"}, t(`analysis.${name}`)))),
      ...Object.keys(ROWS).map((name) => el("tr", {class: `row-${name}`}, el("th", {scope: "row"}, t(`analysis.row_${name}`)),
        cell(`before-${name}`), cell(`after-${name}`)))),
    flips, el("h3", {}, t("analysis.promise_title")), promise, own,
    el("h3", {}, t("analysis.labelled_title")), escapes, overkill, labels,
    el("h3", {}, t("analysis.legend_title")), legend);

  /** What stays the same at every limit. */
  function about(texts) {
    own.replaceChildren(...texts.own.map((text, i) => el("p", {class: ["own-fail", "own-pass"][i]}, text)));
    labels.textContent = texts.labels;
    legend.replaceChildren(...texts.legend.map((text) => el("li", {}, text)));
  }

  function show(result, parts) {
    at.replaceChildren(el("span", {}, t("analysis.threshold")), el("strong", {class: "at-value"}, short(result.at)),
      el("span", {class: "dim"}, t("analysis.own_is", {value: short(parts.threshold)})));
    for (const [name, code] of Object.entries(ROWS)) {
      cells[`before-${name}`].textContent = count(result.before[code]);
      cells[`after-${name}`].textContent = count(result.after[code]);
    }
    flips.replaceChildren(el("span", {class: "to-reject"}, t("analysis.to_reject", {count: count(result.toReject)})),
      el("span", {class: "to-pass"}, t("analysis.to_pass", {count: count(result.toPass)})));
    const p = result.promise;
    promise.textContent = p === null ? t("analysis.no_promise")
      : t("analysis.promise", {share: percent(p.share), bound: percent(p.bound), n: count(p.n)});
    escapes.textContent = share("escapes", result.escapes);
    overkill.textContent = share("overkill", result.overkill);
  }

  return {about, show};
}

/** From `count` to `most` of `n` labelled parts, with the exact interval. */
function share(name, {n, count: least, most, low, high}) {
  if (n === 0) return t(`analysis.${name}_none`);
  const ends = least === most ? [least] : [least, most];
  return t(`analysis.${name}`, {n: count(n), count: ends.map(count).join("–"), low: percent(low), high: percent(high),
    share: ends.map((each) => percent(each / n)).join(" – ")});
}
