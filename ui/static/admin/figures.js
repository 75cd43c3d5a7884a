// From what the server tells to the tables of the health screen: {name, title, head, rows: [{name, cells, mark, raw}]}.
// The same tables are copied as text. `raw` are the places of cells that are no text of the catalogue.
import {has, lang, t} from "/static/shared/base.js";
import {duration, local, parity} from "/static/shared/format.js";

const FATES = ["sent", "complete", "incomplete", "missed", "backpressure", "unsupported"];
const STAGES = ["wait", "acquire", "judge", "store", "answer", "total"];
const QUEUES = ["inbox", "pictures", "decided", "owed"];
const VERDICTS = ["PASS", "FAIL", "REVIEW", "CANNOT_INSPECT"];
const whole = new Intl.NumberFormat(lang);
const rounded = new Intl.NumberFormat(lang, {maximumFractionDigits: 0});
const tenths = new Intl.NumberFormat(lang, {minimumFractionDigits: 1, maximumFractionDigits: 1});
const number = (value, format = whole) => value === null || value === undefined ? t("admin.not_known") : format.format(value);
const unit = (value, name, format = tenths) =>
  value === null || value === undefined ? t("admin.not_known") : `${format.format(value)} ${name}`;
const row = (name, cells, mark = null, raw = []) => ({name, cells, mark, raw});
const said = (key, otherwise) => has(key) ? t(key) : otherwise;

/** All tables; without a status only what the page knows itself. */
export function sections(found) {
  const status = found.status;
  const own = [storage(found), processes(found)];
  if (!status) return [gone(found), ...own];
  return [station(found, status), parts(status), recipes(status), cameras(status), latencies(status),
    queues(status), outputs(status), ...own];
}

/** Write the tables as text, columns apart by tabs, for a mail. */
export function asText(tables, at) {
  const blocks = tables.map((table) => [table.title, ...(table.head ? [table.head.join("\t")] : []),
    ...table.rows.map((each) => each.cells.join("\t"))].join("\n"));
  return [at, ...blocks].join("\n\n") + "\n";
}

function gone(found) {
  return {name: "station", title: t("admin.station"), rows: [
    row("state", [t("admin.state"), t("admin.state_gone")], "bad"), ...pageRows(found)]};
}

function pageRows(found) {
  return [
    row("page_up", [t("admin.page_up"), duration((found.at_ms - found.page.started_ms) / 1000)]),
    row("connections", [t("admin.connections"), number(found.page.connections)])];
}

function station(found, status) {
  const since = t("admin.since", {time: local(status.state_since_ms),
    duration: duration((found.at_ms - status.state_since_ms) / 1000)});
  const same = status.version === found.page.version;
  const version = same ? status.version
    : t("admin.version_differs", {page: found.page.version, station: status.version});
  const state = status.paused ? t("admin.paused") : said(`admin.state_${status.state}`, status.state);
  const well = ["Ready", "SingleExecution"].includes(status.state);
  const error = status.error_code
    ? row("error", [t("admin.error"), `${said(`admin.code_${status.error_code}`, status.error_code)}: ${status.error}`], "bad", [1])
    : row("error", [t("admin.error"), t("admin.code_0")]);
  return {name: "station", title: t("admin.station"), rows: [
    row("name", [t("admin.name"), status.station], null, [1]),
    row("state", [t("admin.state"), state], well ? "good" : "bad"),
    row("since", ["", since]),
    error,
    row("product", [t("admin.product"), status.product], null, [1]),
    row("version", [t("admin.version"), version], same ? null : "bad", [1]),
    row("station_up", [t("admin.station_up"), duration((found.at_ms - status.started_ms) / 1000)]),
    ...pageRows(found)]};
}

function parts(status) {
  return {name: "parts", title: t("admin.parts_since_start"), rows: [
    row("triggers", [t("admin.triggers"), number(status.triggers)]),
    row("answers", [t("admin.answers"), number(status.answers)]),
    row("in_flight", [t("admin.in_flight"), number(status.triggers - status.answers)]),
    ...VERDICTS.map((name) => row(name, [t(`admin.verdict_${name}`), number(status.verdicts[name] ?? 0)]))]};
}

function recipes(status) {
  return {name: "recipes", title: t("admin.recipes"),
    head: [t("admin.view"), t("admin.recipe_id"), t("admin.parity")],
    rows: Object.entries(status.parity).map(([view, each]) => {
      const known = each.difference !== null;
      return row(view, [view, each.recipe_id.slice(0, 12), known ? parity(each) : t("admin.not_known")],
        known && each.difference > each.tolerance ? "bad" : null, [0, 1]);
    })};
}

function cameras(status) {
  const views = Object.keys(status.cameras);
  const counts = (fate) => views.map((view) => number(status.cameras[view][fate]));
  const sums = views.map((view) => FATES.slice(1).reduce((total, fate) => total + status.cameras[view][fate], 0));
  const holds = views.map((view, i) => sums[i] === status.cameras[view].sent);
  const states = views.map((view) => status.camera_states[view]);
  return {name: "cameras", title: t("admin.cameras"), head: ["", ...views], rows: [
    row("state", [t("admin.state"), ...states.map((state) => said(`admin.camera_${state}`, state))],
      states.every((state) => ["IDLE", "ACQUIRING"].includes(state)) ? "good" : "bad"),
    ...FATES.map((fate) => row(fate, [t(`admin.${fate}`), ...counts(fate)])),
    row("adds_up", [t("admin.adds_up"), ...holds.map((each) => t(each ? "admin.yes" : "admin.no"))],
      holds.every(Boolean) ? "good" : "bad")]};
}

function latencies(status) {
  return {name: "latencies", title: t("admin.latencies"), head: [t("admin.stage"), "p50", "p95", "p99"],
    rows: STAGES.map((stage) => {
      const found = status.latency_ms[stage] ?? {};
      return row(stage, [t(`admin.stage_${stage}`), ...["p50", "p95", "p99"].map((each) => number(found[each], tenths))]);
    })};
}

function queues(status) {
  return {name: "queues", title: t("admin.queues"), rows: QUEUES.map((name) => {
    const count = status.queues[name], most = status.room[name];
    const text = most ? t("admin.queue_of", {count: number(count), most: number(most)}) : number(count);
    return row(name, [t(`admin.queue_${name}`), text], most && count >= most ? "bad" : null);
  })};
}

function outputs(status) {
  const names = [...new Set([...Object.keys(status.outbox), ...Object.keys(status.outputs)])].sort();
  const rows = names.map((name) => {
    const problem = status.outputs[name];
    return row(name, [name, number(status.outbox[name] ?? 0), problem ?? t("admin.fine")],
      problem ? "bad" : null, problem ? [0, 2] : [0]);
  });
  return {name: "outputs", title: t("admin.outputs"), head: [t("admin.output"), t("admin.waiting"), t("admin.problem")],
    rows: rows.length ? rows : [row("none", [t("admin.no_outputs"), "", ""])]};
}

function storage(found) {
  const disk = found.status?.disk ?? {}, floor = disk.floor_gb;
  const low = floor !== undefined && disk.free_gb < floor;
  return {name: "storage", title: t("admin.storage"), rows: [
    row("parts", [t("admin.parts_recorded"), number(found.record.parts)]),
    row("size", [t("admin.record_size"), unit(found.record.size_mb, "MB")]),
    row("free", [t("admin.disk_free"), unit(disk.free_gb, "GB")], low ? "bad" : null),
    row("floor", [t("admin.disk_floor"), floor === undefined ? t("admin.no_floor") : unit(floor, "GB")]),
    row("retention", [t("admin.retention"), kept(found.retention)])]};
}

function kept(rules) {
  if (rules === null) return t("admin.keep_all");
  const rejects = rules.rejects_days === null ? t("admin.keep_rejects_always")
    : t("admin.keep_rejects", {days: number(rules.rejects_days)});
  const passes = rules.keep_every === null ? t("admin.keep_passes_all") : t("admin.keep_passes", {every: number(rules.keep_every)});
  return `${rejects} · ${passes}`;
}

function processes(found) {
  return {name: "processes", title: t("admin.processes"),
    head: [t("admin.process"), t("admin.memory"), t("admin.cpu"), t("admin.threads")],
    rows: [["station", found.runtime], ["page", found.page]].map(([name, each]) =>
      row(name, [t(`admin.process_${name}`), unit(each.memory_mb, "MB", rounded), unit(each.cpu_percent, "%"), number(each.threads)]))};
}
