// The threshold slider over the histogram of scores: stored parts are judged again on every move.
import {call, el, t} from "/static/shared/base.js";
import {short} from "/static/shared/format.js";
import {fill} from "/static/analysis/figures.js";
import {histogram} from "/static/analysis/histogram.js";
import {UNKNOWN, judge, listed, unpack} from "/static/analysis/judge.js";

const STEPS = 2000, SHOWN = 24, REST_MS = 150;

/** Show the parts that `of()` asks for, or move to a limit it gives; `tell` which parts flip where the slider rests. */
export function start(host, of, watch, tell) {
  let parts = null, charts = null, at = 0, waiting = null, loading = 0;
  const note = el("div", {class: "note", role: "status"}), empty = el("p", {class: "empty", hidden: true});
  const logScore = check("log_score", draw), logCount = check("log_count", draw);
  const chart = histogram(), line = el("div", {class: "now-line"});
  const slider = el("input", {type: "range", class: "slider", min: 0, max: STEPS, step: 1,
    "aria-label": t("analysis.threshold"), oninput: () => moveTo(rounded(chart.back(slider.value / STEPS)))});
  const exact = el("input", {type: "number", class: "exact", step: "any", onchange: () => {
    if (exact.value !== "" && Number.isFinite(Number(exact.value))) moveTo(Number(exact.value));
  }});
  const work = el("div", {class: "threshold-work"},
    el("div", {class: "row tools"}, logScore.label, logCount.label, el("span", {class: "space"}), note),
    el("div", {class: "chart-box"}, chart.host, line), slider,
    el("div", {class: "row under"}, el("label", {class: "exact-label"}, t("analysis.threshold"), exact),
      el("button", {class: "reset", onclick: () => moveTo(parts.threshold)}, t("analysis.reset")),
      el("span", {class: "experiment"}, t("analysis.experiment"))));
  const aside = document.querySelector(".limits");
  host.append(empty, work);
  hear();
  watch(hear);

  function hear() {
    const now = of();
    if (now.asked) load(now.asked, now.on_line ?? null);
    else if (parts && now.at !== undefined) moveTo(now.at);
  }

  async function load(asked, onLine) {
    const mine = ++loading;
    note.textContent = t("analysis.loading");
    const answer = asked.recipe ? await call("/api/engineer/analysis/stored", {...asked, on_line: onLine}) : {error: t("analysis.no_recipe_chosen")};
    if (mine !== loading) return;
    const nothing = !answer.ok ? answer.error : !answer.parts || answer.threshold === null ? t("analysis.no_parts") : "";
    empty.textContent = nothing;
    empty.hidden = !nothing;
    work.hidden = aside.hidden = Boolean(nothing);
    parts = nothing ? null : unpack(answer);
    if (!parts) { delete host.dataset.ready; rest(null); return; }
    note.textContent = answer.note;
    aside.innerHTML = answer.html_figures;
    charts = answer.charts;
    draw();
    moveTo(onLine ?? parts.threshold);
    host.dataset.ready = parts.size;
  }

  function draw() {
    if (!parts) return;
    chart.show(charts[Number(logScore.input.checked)][Number(logCount.input.checked)]);
    place();
  }

  function moveTo(value) {
    if (!parts) return;
    at = value;
    const result = judge(parts, at);
    fill(aside, result);
    place();
    host.dataset.threshold = at;
    host.dataset.flips = result.toReject + result.toPass;
    host.dataset.unknown = result.after[UNKNOWN];
    rest(result);
  }

  /** Put slider, line and field where the threshold is. */
  function place() {
    const x = chart.at(at);
    slider.value = Math.round(x * STEPS);
    slider.setAttribute("aria-valuetext", short(at));
    line.style.setProperty("--x", x);
    line.dataset.value = short(at);
    if (document.activeElement !== exact) exact.value = Number(at.toPrecision(6));
  }

  /** Tell where the slider has come to rest. */
  function rest(result) {
    clearTimeout(waiting);
    waiting = setTimeout(() => tell("select", result === null ? {} : {
      flips: listed(parts, "flips", SHOWN), unknown: listed(parts, "unknown", SHOWN), upwards: at >= parts.threshold,
      all_flips: result.toReject + result.toPass, all_unknown: result.after[UNKNOWN]}), REST_MS);
  }
}

const rounded = (value) => Number(value.toPrecision(6));

function check(name, changed) {
  const input = el("input", {type: "checkbox", class: name, onchange: changed});
  return {input, label: el("label", {class: "check"}, input, t(`analysis.${name}`))};
}
