// What is known of a part, in a column beside its picture: verdict, why, score, names, labels.
import {el, lang, svg, t} from "/static/shared/base.js";
import {dateTime} from "/static/shared/format.js";
import {labelText} from "/static/shared/labels.js";
import {sign} from "/static/shared/verdict_signs.js";
import {figure, say} from "/static/shared/reasons.js";

/** Show a part; `showMask(label)` is called for the mask of a label. */
export function info(part, decides, showMask) {
  const {why, detail} = say(part);
  return [
    el("div", {class: `verdict v-${part.verdict.toLowerCase()}`}, sign(part.verdict).element,
      el("span", {}, t(`operator.verdict_${part.verdict}`))),
    ...notices(part, decides),
    el("p", {class: "why"}, why, detail ? el("small", {lang: "en"}, detail) : null),
    gauge(part),
    facts(part),
    labels(part, showMask),
  ];
}

function notices(part, decides) {
  const found = [];
  if (part.complaint) {
    const {who, comment} = part.complaint;
    found.push(t("review.doubted", {who}), comment ? `“${comment}”` : null);
  }
  if (part.differ) found.push(t(!part.may_decide ? "review.differ" : decides ? "review.differ_decides" : "review.differ_may"));
  const lines = found.filter(Boolean);
  return lines.length ? [el("div", {class: "notice"}, ...lines.map((line) => el("div", {}, line)))] : [];
}

function gauge(part) {
  if (part.score === null || !part.threshold) return null;
  const share = part.score / part.threshold, at = (value) => Math.min(100, 62 * value);
  return el("div", {class: "gauge"},
    el("div", {class: "words"}, t("review.score", {score: figure(part.score), limit: figure(part.threshold),
      share: Math.round(100 * share).toLocaleString(lang)})),
    svg("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none"},
      svg("rect", {x: 0, y: 2, width: 100, height: 6, class: "scale"}),
      svg("rect", {x: 0, y: 2, width: at(share), height: 6, class: share > 1 ? "over" : "under"}),
      svg("rect", {x: 61.6, y: 0, width: 0.8, height: 10, class: "limit"})));
}

function facts(part) {
  const zones = [...new Set(part.regions.map((region) => region.zone).filter(Boolean))].join(", ");
  const types = [...new Set(part.regions.map((region) => region.label).filter(Boolean))]
    .map((type) => type === "unknown" ? t("review.type_unknown") : type).join(", ");
  const given = [["number", part.number], ["serial", part.serial], ["lot", part.lot], ["product", part.product],
    ["recipe", part.recipe_id?.slice(0, 12)], ["zone", zones || null],
    ...(types ? [["type", types]] : []), ["time", dateTime(part.judged_at, {seconds: true})]];
  return el("dl", {}, ...given.flatMap(([name, value]) =>
    [el("dt", {}, t(`review.fact_${name}`)), el("dd", {title: value ?? ""}, `${value ?? "–"}`)]));
}

function labels(part, showMask) {
  const all = [...(part.mine ? [part.mine] : []), ...part.others];
  const line = (label) => el("li", {class: label.label, data: {who: label.who}},
    el("b", {}, labelText(label)), " ", label === part.mine ? t("review.you") : label.who,
    label.decides ? el("em", {}, t("review.decides")) : null,
    label.mask ? el("button", {class: "link", onclick: () => showMask(label)}, t("review.show_mask")) : null,
    el("small", {}, dateTime(label.at, {seconds: true})));
  const none = all.length || part.hidden ? null : el("p", {class: "dim"}, t("review.no_label"));
  const hidden = part.hidden ? el("p", {class: "dim"}, t("review.hidden", {n: part.hidden})) : null;
  return el("div", {class: "labels"}, el("h3", {}, t("review.labels")), el("ul", {}, ...all.map(line)), none, hidden);
}
