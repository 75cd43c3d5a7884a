// The worst place, large, beside the same place of a good part.
import {el, t} from "/static/shared/base.js";
import {apart, size} from "/static/shared/reasons.js";
import {put} from "/static/shared/format.js";

const AROUND = 2.2, LEAST_PX = 48, CANVAS_PX = 480;
const AS_IT_IS = [[1, 0, 0], [0, 1, 0]];

/** The panel: `show` draws the worst place, `compare` a good part beside it, `clear` says that nothing is to be seen. */
export function zoomed() {
  const worst = crop("worst"), good = crop("good");
  const nothing = el("div", {class: "nothing"});
  let shown = null;
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
    show(part, region, layer) {
      element.dataset.verdict = part.verdict;
      put(nothing, "");
      score(part);
      shown = {layer, window: around(region, layer)};
      worst.draw(layer, shown.window, AS_IT_IS, t("operator.worst", {n: part.number, size: size(region)}));
      good.none("");
    },
    /** Beside what `show` drew, the same place of a good part; null where there is none. */
    compare(example) {
      if (!example) { good.none(t("operator.no_good")); return; }
      const {image, kind, number, to_part: toPart} = example;
      good.draw(image, shown.window, toPart ?? asLarge(image, shown.layer), t(`operator.good_${kind}`, {n: number}));
    },
  };
}

function crop(kind) {
  const canvas = el("canvas", {width: CANVAS_PX, height: CANVAS_PX});
  const label = el("figcaption");
  const context = canvas.getContext("2d");
  const clear = () => { context.resetTransform(); context.clearRect(0, 0, CANVAS_PX, CANVAS_PX); };
  return {
    element: el("figure", {class: `crop ${kind}`}, canvas, label),
    /** Draw what a window of the part's picture shows; a matrix takes the pixels of `image` to those of that picture. */
    draw(image, {x, y, side}, [[a, c, e], [b, d, f]], text) {
      const times = CANVAS_PX / side;
      clear();
      context.imageSmoothingEnabled = side >= CANVAS_PX / 4;
      context.setTransform(times * a, times * b, times * c, times * d, times * (e - x), times * (f - y));
      context.drawImage(image, 0, 0);
      put(label, text);
    },
    none(text) { clear(); put(label, text); },
  };
}

/** The matrix that makes a picture as large as another. */
const asLarge = (image, {naturalWidth, naturalHeight}) =>
  [[naturalWidth / image.naturalWidth, 0, 0], [0, naturalHeight / image.naturalHeight, 0]];

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
