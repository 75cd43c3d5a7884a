// A part as a small card that leads to all that is known of it.
import {el, pathOf, t} from "/static/shared/base.js";
import {short} from "/static/shared/format.js";

const SIGN = {PASS: "●", FAIL: "■", REVIEW: "▲", CANNOT_INSPECT: "◆"};

export function card(part) {
  return el("a", {class: "card", data: {number: part.number}, href: `${pathOf("parts")}#part=${part.number}`, target: "_blank"},
    thumb(part), el("span", {class: "card-line"}, el("span", {class: `sign ${part.verdict}`}, SIGN[part.verdict]), `#${part.number}`),
    el("span", {class: "card-score"}, short(part.score)));
}

function thumb(part) {
  const place = el("span", {class: "thumb"});
  const none = () => place.replaceChildren(el("span", {class: "no-picture"}, t("analysis.no_picture_short")));
  if (!part.picture) { none(); return place; }
  place.append(el("img", {src: `/api/engineer/analysis/thumb/${part.part_id}`, loading: "lazy", decoding: "async",
    alt: t("parts.picture_of", {number: part.number}), onerror: none}));
  return place;
}
