// Where to look: regions, places to ignore, zones with rules, scale, alignment.
import {call, el, t, toast} from "/static/shared/base.js";
import {Drawing, rows} from "/static/setup/draw.js";

const SAVE_MS = 400;
let here = null;

export const missing = (app) =>
  app.state.setup_problem ? t("setup.where_damaged") : app.state.reference === null ? t("setup.where_no_picture") : null;

export function open(app, place) {
  const stage = el("section", {class: "stage"});
  const side = el("aside", {});
  place.append(stage, side);
  here = {app, stage, side, list: el("ul", {class: "shapes"}), error: el("p", {class: "error", role: "alert"}),
    saved: el("p", {class: "saved", role: "status"}), going: true, timer: null, px: null};
  if (app.state.reference === null) noPicture(app);
  else begin(app);
  const mine = here;
  return () => { mine.going = false; mine.drawing?.close(); if (mine.timer) save(app, mine); };
}

export function changed(app) {
  if (here.reference === undefined && app.state.reference !== null) app.show("where");
}

export function station(app) {
  if (app.state.reference === null) noPicture(app);
}

function noPicture(app) {
  const take = async (path, body) => {
    const answer = await app.post(path, {...body, reference: true});
    if (!answer.ok) return;
    if (!answer.added.length) toast(answer.refused[0] ?? t("setup.where_none_passed"), "bad");
    await app.reload();
  };
  here.stage.replaceChildren(el("div", {class: "empty"}, el("h2", {}, t("setup.where_choose")),
    el("p", {}, t("setup.where_choose_why")),
    el("button", {class: "go", data: {do: "take-reference"}, disabled: !app.paused,
      onclick: () => take("good/take", {})}, t("setup.where_take")),
    app.paused ? "" : el("small", {}, t("setup.camera_pause_first")),
    el("button", {data: {do: "latest-reference"}, onclick: () => take("good/record", {count: 1})}, t("setup.where_latest")),
    el("button", {onclick: () => app.show("good")}, t("setup.where_from_good"))));
}

function begin(app) {
  const {setup, reference} = app.state;
  here.reference = reference;
  here.setup = {bits: setup?.bits ?? 16, scale_mm_per_px: setup?.scale_mm_per_px ?? null, align: setup?.align ?? null};
  const url = app.url(`good/${encodeURIComponent(reference)}`);
  const picture = new Image();
  const mine = here;
  picture.onload = () => {
    if (!mine.going) return;
    mine.size = [picture.naturalHeight, picture.naturalWidth];
    mine.drawing = new Drawing(mine.stage, {
      changed: () => { drawList(); later(app); }, chosen: drawList,
      measured: (px) => { mine.px = px; drawSide(app); mine.side.querySelector("[name=length]").focus(); },
    });
    mine.drawing.show(url, picture.naturalWidth, picture.naturalHeight);
    mine.drawing.set(shapesOf(setup, mine.size));
    mine.stage.prepend(tools(mine.drawing));
    drawSide(app);
    mine.stage.dataset.ready = reference;
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

function drawSide(app) {
  const {setup} = here;
  const number = (name, value, unit, more = {}) => el("label", {class: "field"}, t(`setup.${name}`),
    el("input", {type: "number", step: "any", min: 0, name, value: value ?? "", ...more}), el("span", {}, unit));
  const length = el("input", {type: "number", step: "any", min: 0, name: "length"});
  const set = (change) => (event) => { change(event.target.value === "" ? null : Number(event.target.value)); later(app); };
  here.side.replaceChildren(
    el("p", {class: "lead"}, t("setup.where_lead")), here.list, here.error, here.saved,
    el("h3", {}, t("setup.scale")),
    here.px === null ? "" : el("div", {class: "field"}, t("setup.scale_length", {px: here.px.toFixed(1)}), length, el("span", {}, "mm"),
      el("button", {type: "button", data: {do: "scale"}, onclick: () => {
        if (!(Number(length.value) > 0)) return;
        setup.scale_mm_per_px = Number((Number(length.value) / here.px).toPrecision(6));
        here.px = null;
        here.drawing.use("select");
        drawSide(app);
        later(app);
      }}, t("setup.scale_set"))),
    number("scale_value", setup.scale_mm_per_px, "mm/px", {onchange: set((value) => { setup.scale_mm_per_px = value; })}),
    el("h3", {}, t("setup.align")),
    el("label", {class: "field"}, el("input", {type: "checkbox", name: "align", checked: setup.align !== null, onchange: (event) => {
      setup.align = event.target.checked ? {max_shift_px: 50, max_rotation_deg: 15} : null;
      drawSide(app);
      later(app);
    }}), t("setup.align_on")),
    ...(setup.align === null ? [] : [
      number("align_shift", setup.align.max_shift_px, "px", {onchange: set((value) => { setup.align.max_shift_px = value; })}),
      number("align_turn", setup.align.max_rotation_deg, "°", {max: 180, onchange: set((value) => { setup.align.max_rotation_deg = value; })}),
    ]));
  drawList();
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
function setupOf({drawing, setup, size}) {
  const of = (kind) => drawing.shapes.filter((shape) => shape.kind === kind);
  const used = new Set(of("zone").map((zone) => zone.name));
  let n = 1;
  const fresh = () => { let name; do name = `${t("setup.tool_zone")} ${n++}`; while (used.has(name)); return name; };
  return {
    bits: setup.bits, scale_mm_per_px: setup.scale_mm_per_px, align: setup.align, reference_size_px: size,
    roi: of("roi").map((shape) => shape.points), ignore: of("ignore").map((shape) => shape.points),
    zones: of("zone").map((zone) => ({name: zone.name ??= fresh(), polygon: zone.points, max_area_px: zone.max_area_px ?? null,
      max_area_mm2: zone.max_area_mm2 ?? null, max_count: zone.max_count ?? null})),
  };
}

function later(app) {
  const mine = here;
  mine.saved.textContent = t("setup.saving");
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => save(app, mine), SAVE_MS);
}

async function save(app, mine) {
  clearTimeout(mine.timer);
  mine.timer = null;
  const answer = await call("/api/engineer/setup/where", {...app.which, setup: setupOf(mine)});
  mine.list.querySelectorAll(".wrong").forEach((row) => row.classList.remove("wrong"));
  mine.error.textContent = answer.ok ? "" : answer.error;
  mine.saved.textContent = t(answer.ok ? "setup.saved" : "setup.not_saved");
  mine.saved.dataset.ok = String(answer.ok);
  if (answer.ok) {
    Object.assign(app.state, {setup: answer.setup, setup_problem: null});
    app.changed();
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
