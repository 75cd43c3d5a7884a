// The worst place, large, beside the same place of the latest good part.
import {el, t} from "/static/shared/base.js";
import {apart, size} from "/static/shared/reasons.js";
import {put} from "/static/shared/format.js";

const AROUND = 2.2, LEAST_PX = 48, CANVAS_PX = 480;

/** The panel: `show` draws both crops, `clear` says that nothing is to be seen. */
export function zoomed() {
  const worst = crop("worst"), good = crop("good");
  const nothing = el("div", {class: "nothing"});
  const bar = el("div", {class: "value"}), told = el("div", {class: "score"});
  const gauge = el("div", {class: "gauge", hidden: true}, told, el("div", {class: "scale"}, bar, el("div", {class: "limit"})));
  const element = el("section", {class: "zoom"},
    el("div", {class: "crops"}, worst.element, good.element), nothing, gauge);

  const score = (part) => {
    gauge.hidden = part.score === null;
    if (gauge.hidden) return;
    put(told, t("operator.gauge", apart({score: part.score, limit: part.threshold})));
    bar.style.width = `${filledTo(part.score, part.threshold)}%`;
    gauge.dataset.over = String(part.score > part.threshold);
  };
  return {
    element,
    clear(part) {
      element.dataset.verdict = part.verdict;
      put(nothing, part.verdict === "PASS" ? t("operator.nothing_unusual") : "");
      score(part);
    },
    show(part, region, layer, goodLayer, goodPart) {
      element.dataset.verdict = part.verdict;
      put(nothing, "");
      score(part);
      const window = around(region, layer);
      worst.draw(layer, window, t("operator.worst", {n: part.number, size: size(region)}));
      if (goodLayer) good.draw(goodLayer, window, t("operator.good", {n: goodPart.number}));
      else good.none(t("operator.no_good"));
    },
  };
}

function crop(kind) {
  const canvas = el("canvas", {width: CANVAS_PX, height: CANVAS_PX});
  const label = el("figcaption");
  const context = canvas.getContext("2d");
  return {
    element: el("figure", {class: `crop ${kind}`}, canvas, label),
    draw(image, {x, y, side}, text) {
      context.imageSmoothingEnabled = side < CANVAS_PX / 4 ? false : true;
      context.drawImage(image, x, y, side, side, 0, 0, CANVAS_PX, CANVAS_PX);
      put(label, text);
    },
    none(text) { context.clearRect(0, 0, CANVAS_PX, CANVAS_PX); put(label, text); },
  };
}

/** The square window around a place, inside the picture. */
function around(region, {naturalWidth, naturalHeight}) {
  const wanted = Math.max(LEAST_PX, AROUND * Math.max(region.width_px, region.height_px));
  const side = Math.min(wanted, naturalWidth, naturalHeight);
  const at = (start, length, whole) => Math.min(Math.max(0, start + length / 2 - side / 2), whole - side);
  return {x: at(region.x_px, region.width_px, naturalWidth), y: at(region.y_px, region.height_px, naturalHeight), side};
}

/** How far the bar reaches, 0…100: the limit is at 50, also one at or below 0. */
function filledTo(score, limit) {
  const share = 50 + 50 * (score - limit) / (limit > 0 ? limit : 1);
  return Math.min(100, Math.max(0, share));
}
