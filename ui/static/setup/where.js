// Where to look: regions, places to ignore, zones with rules; a length that is measured is told.
import {call, el, t} from "/static/shared/base.js";
import {Drawing, rows} from "/static/setup/draw.js";

const SAVE_MS = 400;
let here = null;

/** Draw on what `of()` says, anew when that is another picture: {product, view, reference, setup}. */
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

function open(place, {product, view, reference: name, setup}, reference, measured) {
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
    mine.drawing.set(shapesOf(setup, mine.size));
    mine.stage.prepend(tools(mine.drawing));
    drawList();
    mine.stage.dataset.ready = name;
  };
  picture.src = url;
}

function tools(drawing) {
  const bar = el("div", {class: "tools"});
  const names = ["select", "roi", "ignore", "zone", "scale"];
  const hint = el("span", {class: "hint"});
  const draw = () => {
    bar.replaceChildren(...names.map((name) => el("button", {
      class: drawing.mode === name ? "here" : "", data: {tool: name}, "aria-pressed": String(drawing.mode === name),
      onclick: () => drawing.use(name)}, t(`setup.tool_${name}`))),
    el("button", {data: {tool: "undo"}, onclick: () => drawing.undo()}, t("setup.undo")),
    el("button", {data: {tool: "redo"}, onclick: () => drawing.redo()}, t("setup.redo")),
    el("button", {data: {tool: "delete-point"}, onclick: () => drawing.removePoint()}, t("setup.delete_point")), hint);
    hint.textContent = t(`setup.hint_${drawing.mode === "select" || drawing.mode === "scale" ? drawing.mode : "draw"}`);
  };
  const use = drawing.use.bind(drawing);
  drawing.use = (mode) => { use(mode); draw(); };
  draw();
  return bar;
}

function drawList() {
  if (!here.drawing) return;
  if (here.list.contains(document.activeElement) && document.activeElement.tagName === "INPUT") return;
  const numbers = {roi: 0, ignore: 0, zone: 0};
  here.list.replaceChildren(...rows(here.drawing, (shape, i) => [
    el("div", {class: "title"}, el("i", {class: `swatch ${shape.kind}`}),
      shape.kind === "zone" ? rule(i, "name", "text") : el("b", {}, `${t(`setup.tool_${shape.kind}`)} ${++numbers[shape.kind]}`),
      el("button", {class: "small", "aria-label": t("setup.delete_shape"), title: t("setup.delete_shape"), data: {do: "delete-shape"},
        onclick: (event) => { event.stopPropagation(); here.drawing.remove(i); }}, "✕")),
    ...(shape.kind === "zone" ? [el("div", {class: "rules"}, rule(i, "max_area_px"), rule(i, "max_area_mm2"), rule(i, "max_count"))] : []),
  ]));
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

/** The shapes of a set-up, brought to the size of the picture that is shown. */
function shapesOf(setup, [height, width]) {
  const [h, w] = setup?.reference_size_px ?? [height, width];
  const brought = (points) => points.map(([x, y]) => [x * width / w, y * height / h]);
  return [
    ...(setup?.roi ?? []).map((points) => ({kind: "roi", points: brought(points)})),
    ...(setup?.ignore ?? []).map((points) => ({kind: "ignore", points: brought(points)})),
    ...(setup?.zones ?? []).map(({polygon, ...rules}) => ({kind: "zone", points: brought(polygon), ...rules})),
  ];
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
    zones: of("zone").map((zone) => ({name: zone.name ??= fresh(), polygon: zone.points, max_area_px: zone.max_area_px ?? null,
      max_area_mm2: zone.max_area_mm2 ?? null, max_count: zone.max_count ?? null})),
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
  const row = mine.list.querySelector(`[data-row="${faulty(answer.error, mine.drawing.shapes)}"]`);
  if (row) { row.classList.add("wrong"); row.append(mine.error); } else mine.list.after(mine.error);
}

/** The number of the shape an error is about, -1 where it is about none. */
function faulty(error, shapes) {
  const kind = /roi|ignore|zone/.exec(error)?.[0], at = /(?:zones|roi|ignore)\.(\d+)/.exec(error);
  const own = shapes.flatMap((shape, i) => shape.kind === kind ? [i] : []);
  if (at) return own[Number(at[1])] ?? -1;
  const set = (i, name) => (shapes[i][name] ?? null) !== null;
  if (/max_area_mm2 needs/.test(error)) return own.find((i) => set(i, "max_area_mm2")) ?? -1;
  if (/max_count needs/.test(error)) return own.find((i) => set(i, "max_count") && !set(i, "max_area_px") && !set(i, "max_area_mm2")) ?? -1;
  return own.find((i) => own.some((j) => j < i && shapes[j].name === shapes[i].name)) ?? -1;
}
