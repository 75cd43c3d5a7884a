// What the camera sees, how well it is lit and focused, and its settings.
import {call, el, has, svg, t, toast} from "/static/shared/base.js";
import {confirmed} from "/static/shared/dialog.js";

const EVERY_MS = 200, OVER = 250, UNDER = 5, MOST_PIXELS = 2e6;
let here = null;

export const missing = (app) => {
  if (Object.keys(app.state.camera.tried).length) return t("setup.camera_not_kept");
  return app.looked || app.state.good.length ? null : t("setup.camera_not_looked");
};

export function open(app, place) {
  const canvas = el("canvas", {class: "live", width: 4, height: 3, data: {count: 0}});
  const note = el("p", {class: "note", role: "status"});
  const figures = el("div", {class: "figures"});
  const form = el("form", {class: "settings"});
  place.append(el("section", {class: "stage"}, canvas, note),
    el("aside", {}, el("p", {class: "lead"}, t("setup.camera_lead")), figures, form));
  here = {canvas, note, figures, form, best: 0, going: true};
  drawForm(app);
  station(app);
  run(app, here);
  const mine = here;
  return () => { mine.going = false; };
}

export function changed(app) {
  if (!here.form.contains(document.activeElement)) drawForm(app);
}

export function station(app) {
  if (!app.paused) here.note.replaceChildren(t("setup.camera_pause_first"), el("button", {
    type: "button", class: "go", data: {do: "pause-here"}, onclick: async () => {
      if (!await confirmed(t("setup.pause_ask"), t("setup.pause"))) return;
      const answer = await app.station("pause");
      if (!answer.ok) toast(answer.error, "bad");
    }}, t("setup.pause")));
  else here.note.textContent = t("setup.camera_paused");
}

async function run(app, mine) {
  while (mine.going) {
    const began = performance.now();
    if (app.paused && !document.hidden) await look(app, mine);
    await new Promise((on) => setTimeout(on, Math.max(20, EVERY_MS - (performance.now() - began))));
  }
}

async function look(app, mine) {
  try {
    const answer = await fetch(app.url("look"), {cache: "no-store"});
    if (!answer.ok) {
      mine.note.textContent = (await answer.json()).error;
      return;
    }
    const picture = await createImageBitmap(await answer.blob());
    mine.canvas.width = picture.width;
    mine.canvas.height = picture.height;
    const pen = mine.canvas.getContext("2d", {willReadFrequently: true});
    pen.drawImage(picture, 0, 0);
    drawFigures(mine, measured(pen, app.state.setup));
    mine.canvas.dataset.count = Number(mine.canvas.dataset.count) + 1;
    if (!app.looked) { app.looked = true; app.progressed(); }
    mine.note.textContent = t("setup.camera_paused");
  } catch {
    mine.note.textContent = t("base.no_server");
  }
}

/** Brightness of all pixels; focus (variance of the Laplacian) of those inspected. */
export function measured(pen, setup) {
  const {width, height} = pen.canvas;
  const {data} = pen.getImageData(0, 0, width, height);
  const grey = new Float32Array(width * height), counts = new Uint32Array(256);
  for (let i = 0, j = 0; i < grey.length; i++, j += 4) {
    grey[i] = 0.299 * data[j] + 0.587 * data[j + 1] + 0.114 * data[j + 2];
    counts[Math.min(255, Math.round(grey[i]))]++;
  }
  const inside = inspected(width, height, setup);
  const step = Math.max(1, Math.round(grey.length / MOST_PIXELS));
  let n = 0, sum = 0, squares = 0;
  for (let y = 1; y < height - 1; y += step) for (let x = 1; x < width - 1; x++) {
    const i = y * width + x;
    if (inside && !inside[4 * i + 3]) continue;
    const value = 4 * grey[i] - grey[i - 1] - grey[i + 1] - grey[i - width] - grey[i + width];
    n++; sum += value; squares += value * value;
  }
  const share = (from, to) => counts.slice(from, to).reduce((a, b) => a + b, 0) / grey.length;
  return {counts, over: share(OVER, 256), under: share(0, UNDER + 1),
    focus: n ? squares / n - (sum / n) ** 2 : 0};
}

function inspected(width, height, setup) {
  if (!setup?.roi?.length) return null;
  const mask = new OffscreenCanvas(width, height).getContext("2d");
  const [h, w] = setup.reference_size_px ?? [height, width];
  mask.scale(width / w, height / h);
  for (const polygon of setup.roi) {
    mask.beginPath();
    polygon.forEach(([x, y]) => mask.lineTo(x, y));
    mask.fill();
  }
  return mask.getImageData(0, 0, width, height).data;
}

function drawFigures(mine, found) {
  mine.best = Math.max(mine.best, found.focus);
  const high = Math.log1p(Math.max(...found.counts));
  const points = [...found.counts].map((count, i) => `${i},${60 - 58 * Math.log1p(count) / high}`);
  const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
  mine.figures.replaceChildren(
    el("h3", {}, t("setup.brightness")),
    svg("svg", {viewBox: "0 0 256 62", class: "histogram", role: "img", "aria-label": t("setup.brightness")},
      svg("rect", {x: 0, y: 0, width: UNDER + 1, height: 60, class: "clipped"}),
      svg("rect", {x: OVER, y: 0, width: 256 - OVER, height: 60, class: "clipped"}),
      svg("polygon", {points: `0,60 ${points.join(" ")} 255,60`})),
    el("p", {class: found.over > 0.01 ? "warn" : "", data: {over: found.over.toFixed(4)}},
      `${found.over > 0.01 ? "▲ " : ""}${t("setup.over", {share: percent(found.over)})}`),
    el("p", {class: found.under > 0.2 ? "warn" : "", data: {under: found.under.toFixed(4)}},
      `${found.under > 0.2 ? "▼ " : ""}${t("setup.under", {share: percent(found.under)})}`),
    el("h3", {}, t("setup.focus")),
    el("div", {class: "meter", data: {focus: found.focus.toFixed(1)}},
      el("span", {style: `width:${100 * found.focus / (1.1 * mine.best || 1)}%`}),
      el("i", {style: `left:${100 / 1.1}%`})),
    el("p", {}, t("setup.focus_now", {now: found.focus.toFixed(0), best: mine.best.toFixed(0)}),
      el("button", {type: "button", class: "small", onclick: () => { mine.best = 0; }}, t("setup.focus_again"))));
}

function drawForm(app) {
  const {name, fields, problem, tried} = app.state.camera;
  const light = fields.filter((field) => field.light), other = fields.filter((field) => !field.light);
  const error = el("p", {class: "error", role: "alert"}, problem ?? "");
  const send = async (path, back = false) => {
    const now = back ? {} : values(here.form, fields);
    if (now === null) { error.textContent = t("setup.camera_not_json"); return; }
    const settings = back ? {} : {...tried, ...now};
    error.textContent = "";
    const answer = await call(`/api/engineer/setup/${path}`, {...app.which, settings});
    if (!answer.ok) { error.textContent = answer.error; return; }
    here.best = 0;
    toast(t(path === "camera" ? "setup.camera_tried" : "setup.camera_kept"));
    await app.reload();
    drawForm(app);
  };
  here.form.onsubmit = (event) => { event.preventDefault(); send("camera"); };
  here.form.replaceChildren(
    el("h3", {}, t("setup.camera_settings", {name})),
    ...(light.length ? light.map(input) : [el("p", {class: "dim"}, t("setup.camera_no_light"))]),
    other.length ? el("details", {open: !light.length}, el("summary", {}, t("setup.camera_other")), ...other.map(input)) : "",
    el("small", {}, t("setup.camera_fixed")),
    error,
    Object.keys(tried).length ? el("p", {class: "warn"}, `▲ ${t("setup.camera_not_kept_long")}`) : "",
    el("div", {class: "row"},
      el("button", {class: "go", data: {do: "try-camera"}}, t("setup.camera_try")),
      el("button", {type: "button", data: {do: "keep-camera"}, onclick: () => send("camera/keep")}, t("setup.camera_keep")),
      Object.keys(tried).length ? el("button", {type: "button", data: {do: "back-camera"},
        onclick: () => send("camera", true)}, t("setup.camera_back")) : ""));
}

function input(field) {
  const shown = field.value === null ? "" : field.kind === "json" ? JSON.stringify(field.value) : String(field.value);
  const made = field.kind === "flag"
    ? el("input", {type: "checkbox", name: field.name, checked: field.value === true})
    : el("input", {name: field.name, value: shown, autocomplete: "off",
      type: ["number", "integer"].includes(field.kind) ? "number" : "text",
      step: field.kind === "integer" ? 1 : "any",
      placeholder: field.default === null ? t("setup.camera_unset") : String(field.default)});
  const key = `settings.${field.name}`;
  const name = has(key) ? el("span", {}, t(key), el("code", {}, field.name)) : el("code", {}, field.name);
  return el("label", {class: "field"}, name, made);
}

/** Read the form: only what differs from what the station file and the driver say. */
function values(form, fields) {
  const found = {};
  for (const {name, kind, value} of fields) {
    const given = form.elements.namedItem(name);
    let now = kind === "flag" ? given.checked : given.value.trim();
    if (kind !== "flag" && now === "") now = null;
    else if (["number", "integer"].includes(kind)) now = Number(now);
    else if (kind === "any" && /^\d+$/.test(now)) now = Number(now);
    else if (kind === "json") try { now = JSON.parse(now); } catch { return null; }
    if (JSON.stringify(now) !== JSON.stringify(value)) found[name] = now;
  }
  return found;
}
