// The live picture of a paused camera, or that of the newest part while the line runs, with its figures.
import {el, svg, t} from "/static/shared/base.js";

const EVERY_MS = 200, RUNNING_MS = 1000, OVER = 250, UNDER = 5;

/** Show what `of()` says: {product, view, paused}. */
export async function start(place, of) {
  const canvas = el("canvas", {class: "live", width: 4, height: 3, data: {count: 0}});
  const note = el("p", {class: "note", role: "status"}), figures = el("div", {class: "figures"});
  place.append(canvas, note, figures);
  let best = 0, view = "";
  while (place.isConnected) {
    const began = performance.now(), {paused, ...which} = of();
    if (which.product && !document.hidden && place.checkVisibility()) {
      if (view !== which.view) [best, view] = [0, which.view];
      const found = await look(canvas, note, which, paused);
      if (found) best = draw(figures, found, Math.max(best, found.focus), () => { best = 0; });
    }
    await new Promise((on) => setTimeout(on, Math.max(20, (paused ? EVERY_MS : RUNNING_MS) - (performance.now() - began))));
  }
}

async function look(canvas, note, which, paused) {
  try {
    const answer = await fetch(`/api/engineer/setup/look?${new URLSearchParams({...which, newest: !paused})}`, {cache: "no-store"});
    if (!answer.ok) {
      note.textContent = (await answer.json()).error;
      return null;
    }
    const picture = await createImageBitmap(await answer.blob());
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.dataset.count = Number(canvas.dataset.count) + 1;
    note.textContent = t(paused ? "setup.camera_paused" : "setup.camera_runs");
    return JSON.parse(answer.headers.get("X-Figures"));
  } catch {
    note.textContent = t("base.no_server");
    return null;
  }
}

function draw(place, {counts, over, under, focus}, best, again) {
  const high = Math.log1p(Math.max(...counts)), percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  const points = counts.map((count, i) => `${i},${60 - 58 * Math.log1p(count) / high}`);
  place.replaceChildren(
    el("h3", {}, t("setup.brightness")),
    svg("svg", {viewBox: "0 0 256 62", class: "histogram", role: "img", "aria-label": t("setup.brightness")},
      svg("rect", {x: 0, y: 0, width: UNDER + 1, height: 60, class: "clipped"}),
      svg("rect", {x: OVER, y: 0, width: 256 - OVER, height: 60, class: "clipped"}),
      svg("polygon", {points: `0,60 ${points.join(" ")} 255,60`})),
    el("p", {class: over > 0.01 ? "warn" : "", data: {over: over.toFixed(4)}}, `${over > 0.01 ? "▲ " : ""}${t("setup.over", {share: percent(over)})}`),
    el("p", {class: under > 0.2 ? "warn" : "", data: {under: under.toFixed(4)}}, `${under > 0.2 ? "▼ " : ""}${t("setup.under", {share: percent(under)})}`),
    el("h3", {}, t("setup.focus")),
    el("div", {class: "meter", data: {focus: focus.toFixed(1)}},
      el("span", {style: `width:${100 * focus / (1.1 * best || 1)}%`}), el("i", {style: `left:${100 / 1.1}%`})),
    el("p", {}, t("setup.focus_now", {now: focus.toFixed(0), best: best.toFixed(0)}),
      el("button", {type: "button", class: "small", onclick: again}, t("setup.focus_again"))));
  return best;
}
