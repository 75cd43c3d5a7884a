// Where to look: regions, places to ignore, zones with rules; a length that is measured is told.
import {call, el, t} from "/static/shared/base.js";
import {DRAGGED} from "/static/shared/shapes.js";
import {Drawing} from "/static/setup/draw.js";

const SAVE_MS = 400, RULES = ["max_area_px", "max_area_mm2", "max_count", "max_peak_percent"];
let here = null;

/** Draw on what `of()` says, anew when that is another picture: {product, view, reference, shapes, size}. */
export function start(place, of, watch, tell) {
  const begin = () => {
    const now = of(), reference = [now.product, now.view, now.reference].join("\n");
    if (here?.reference === reference) {
      if (now.select) here.drawing?.use("select");
      if (now.again) later(); // scale or alignment changed: what was refused without may be kept now
      return;
    }
    end();
    here = null;
    place.replaceChildren();
    if (now.reference) open(place, now, reference, (px) => tell("select", {px}));
  };
  begin();
  watch(begin);
}

function end() {
  if (!here) return;
  here.going = false;
  here.drawing?.close();
  if (here.timer) save(here);
  here.side.replaceChildren();
}

function open(place, {product, view, reference: name, shapes, size}, reference, measured) {
  const stage = el("section", {class: "stage"}), side = document.querySelector(".setup.places");
  here = {reference, which: {product, view}, stage, side, list: el("ul", {class: "shapes"}), error: el("p", {class: "error", role: "alert"}),
    saved: el("p", {class: "saved", role: "status"}), going: true, timer: null};
  side.replaceChildren(el("p", {class: "lead"}, t("setup.where_lead")), here.list, here.error, here.saved);
  place.append(stage);
  const url = `/api/engineer/setup/good/${encodeURIComponent(name)}?${new URLSearchParams(here.which)}`;
  const picture = new Image(), mine = here;
  picture.onload = () => {
    if (!mine.going) return;
    mine.size = [picture.naturalHeight, picture.naturalWidth];
    mine.drawing = new Drawing(mine.stage, {
      changed: () => { drawList(); later(); }, chosen: drawList, measured});
    mine.drawing.show(url, picture.naturalWidth, picture.naturalHeight);
    const [h, w] = size ?? mine.size, {naturalHeight, naturalWidth} = picture;
    const brought = ([x, y]) => [x * naturalWidth / w, y * naturalHeight / h];
    mine.drawing.set(shapes.map((shape) => ({...shape, points: shape.points.map(brought)})));
    mine.stage.prepend(tools(mine.drawing));
    drawList();
    mine.stage.dataset.ready = name;
  };
  picture.src = url;
}

function tools(drawing) {
  const bar = el("div", {class: "tools"}), hint = el("span", {class: "hint"});
  const button = (text, data, onclick, pressed = null) =>
    el("button", {class: pressed ? "here" : "", data, "aria-pressed": pressed?.toString(), onclick}, t(`setup.${text}`));
  const draw = () => {
    const {mode, form} = drawing;
    bar.replaceChildren(
      ...["select", "roi", "ignore", "zone", "scale"].map((tool) => button(`tool_${tool}`, {tool}, () => drawing.use(tool), mode === tool)),
      el("span", {class: "forms", role: "group", "aria-label": t("setup.forms")}, ...Object.keys(DRAGGED).map((name) =>
        button(`form_${name}`, {form: name}, () => { drawing.form = name; draw(); }, form === name))),
      button("undo", {tool: "undo"}, () => drawing.undo()), button("redo", {tool: "redo"}, () => drawing.redo()),
      button("delete_point", {tool: "delete-point"}, () => drawing.removePoint()), hint);
    hint.textContent = t(`setup.hint_${mode === "select" || mode === "scale" ? mode : "draw"}`);
  };
  const use = drawing.use.bind(drawing);
  drawing.use = (mode) => { use(mode); draw(); };
  draw();
  return bar;
}

function drawList() {
  if (!here.drawing) return;
  if (here.list.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
  const {drawing} = here, numbers = {roi: 0, ignore: 0, zone: 0};
  here.list.replaceChildren(...drawing.shapes.map(({kind}, i) => el("li", {
    class: `${kind} ${i === drawing.selected ? "here" : ""}`, data: {row: i},
    onclick: () => { if (drawing.selected !== i) drawing.choose(i); },
  }, el("div", {class: "title"}, el("i", {class: `swatch ${kind}`}),
    kind === "zone" ? rule(i, "name", "text") : el("b", {}, `${t(`setup.tool_${kind}`)} ${++numbers[kind]}`),
    el("button", {class: "small", "aria-label": t("setup.delete_shape"), title: t("setup.delete_shape"), data: {do: "delete-shape"},
      onclick: (event) => { event.stopPropagation(); drawing.remove(i); }}, "✕")),
  kind === "zone" ? el("div", {class: "rules"}, RULES.map((name) => rule(i, name))) : null)));
  if (!here.drawing.shapes.length) here.list.append(el("li", {class: "dim"}, t("setup.where_whole")));
}

function rule(i, name, type = "number") {
  const shape = here.drawing.shapes[i];
  const input = el("input", {name, type, min: 0, step: name === "max_count" ? 1 : "any", value: shape[name] ?? "", "aria-label": t(`setup.zone_${name}`),
    onchange: () => here.drawing.change((shapes) => {
      const value = input.value.trim();
      shapes[i][name] = value === "" ? null : type === "number" ? Number(value) : value;
    })});
  return el("label", {title: t(`setup.zone_${name}`)}, type === "text" ? "" : el("span", {}, t(`setup.zone_${name}`)), input);
}

/** What `inspection.setup` reads. */
function setupOf({drawing, size}) {
  const of = (kind) => drawing.shapes.filter((shape) => shape.kind === kind);
  const used = new Set(of("zone").map((zone) => zone.name));
  let n = 1;
  const fresh = () => { let name; do name = `${t("setup.tool_zone")} ${n++}`; while (used.has(name)); return name; };
  return {
    reference_size_px: size,
    roi: of("roi").map((shape) => shape.points), ignore: of("ignore").map((shape) => shape.points),
    zones: of("zone").map((zone) => ({name: zone.name ??= fresh(), polygon: zone.points, ...Object.fromEntries(RULES.map((name) => [name, zone[name] ?? null]))})),
  };
}

function later() {
  const mine = here;
  mine.saved.textContent = t("setup.saving");
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => save(mine), SAVE_MS);
}

async function save(mine) {
  clearTimeout(mine.timer);
  mine.timer = null;
  const answer = await call("/api/engineer/setup/where", {...mine.which, setup: setupOf(mine)});
  mine.list.querySelectorAll(".wrong").forEach((row) => row.classList.remove("wrong"));
  mine.error.textContent = answer.ok ? "" : answer.error;
  mine.saved.textContent = t(answer.ok ? "setup.saved" : "setup.not_saved");
  mine.saved.dataset.ok = String(answer.ok);
  if (answer.ok) {
    if (mine.going && !mine.list.contains(document.activeElement)) drawList();
    return;
  }
  const own = mine.drawing.shapes.flatMap(({kind}, i) => (kind === answer.kind ? [i] : []));
  const row = mine.list.querySelector(`[data-row="${own[answer.at]}"]`);
  if (row) { row.classList.add("wrong"); row.append(mine.error); } else mine.list.after(mine.error);
}
