// The live picture of a paused camera, or that of the newest part while the line runs, with its figures.
import {el, t} from "/static/shared/base.js";

const EVERY_MS = 200, RUNNING_MS = 1000;

/** Show what `of()` says: {product, view, paused}. */
export async function start(place, of) {
  const canvas = el("canvas", {class: "live", width: 4, height: 3, data: {count: 0}}), note = el("p", {class: "note", role: "status"});
  let best = 0, view = "";
  const figures = el("div", {class: "figures", onclick: (event) => { if (event.target.closest("button")) best = 0; }});
  place.append(canvas, note, figures);
  while (place.isConnected) {
    const began = performance.now(), {paused, ...which} = of();
    if (which.product && !document.hidden && place.checkVisibility()) {
      if (view !== which.view) [best, view] = [0, which.view];
      const html = await look(canvas, note, {...which, best}, paused);
      if (html) {
        figures.innerHTML = html;
        best = Math.max(best, Number(figures.querySelector("[data-focus]").dataset.focus));
      }
    }
    await new Promise((on) => setTimeout(on, Math.max(20, (paused ? EVERY_MS : RUNNING_MS) - (performance.now() - began))));
  }
}

/** Draw what the camera sees; gives the HTML of its figures, null where there is none. */
async function look(canvas, note, which, paused) {
  try {
    const answer = await fetch(`/api/engineer/setup/look?${new URLSearchParams({...which, newest: !paused})}`, {cache: "no-store"});
    if (answer.status !== 200) {
      note.textContent = answer.ok ? t("setup.camera_no_part") : (await answer.json()).error;
      return null;
    }
    const picture = await createImageBitmap(await answer.blob());
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.dataset.count = Number(canvas.dataset.count) + 1;
    note.textContent = t(paused ? "setup.camera_paused" : "setup.camera_runs");
    return decodeURIComponent(answer.headers.get("X-Figures"));
  } catch {
    note.textContent = t("base.no_server");
    return null;
  }
}
