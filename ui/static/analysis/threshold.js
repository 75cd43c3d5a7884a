// The threshold slider over the histogram of scores: stored parts are judged again on every move.
import {call, el, t} from "/static/shared/base.js";
import {count, short} from "/static/shared/format.js";
import {axis} from "/static/analysis/axis.js";
import {COLOUR, stacked} from "/static/analysis/chart.js";
import {makeFigures} from "/static/analysis/figures.js";
import {UNKNOWN, histogram, judge, listed, unpack} from "/static/analysis/judge.js";

const BINS = 120, STEPS = 2000, SHOWN = 24, REST_MS = 150;

/** Show the parts that `of()` asks for, or move to a limit it gives; `tell` which parts flip where the slider rests. */
export function start(host, of, watch, tell) {
  let parts = null, onLine = null, axisNow = null, at = 0, waiting = null, loading = 0;
  const note = el("div", {class: "note", role: "status"}), empty = el("p", {class: "empty", hidden: true});
  const logScore = check("log_score", draw), logCount = check("log_count", draw);
  const chartPlace = el("div", {class: "histogram-place"}), line = el("div", {class: "now-line"});
  const slider = el("input", {type: "range", class: "slider", min: 0, max: STEPS, step: 1,
    "aria-label": t("analysis.threshold"), oninput: () => moveTo(rounded(axisNow.back(slider.value / STEPS)))});
  const exact = el("input", {type: "number", class: "exact", step: "any", onchange: () => {
    if (exact.value !== "" && Number.isFinite(Number(exact.value))) moveTo(Number(exact.value));
  }});
  const work = el("div", {class: "threshold-work"},
    el("div", {class: "row tools"}, logScore.label, logCount.label, el("span", {class: "space"}), note),
    el("div", {class: "chart-box"}, chartPlace, line), slider,
    el("div", {class: "row under"}, el("label", {class: "exact-label"}, t("analysis.threshold"), exact),
      el("button", {class: "reset", onclick: () => moveTo(parts.threshold)}, t("analysis.reset")),
      el("span", {class: "experiment"}, t("analysis.experiment"))));
  const aside = document.querySelector(".limits"), figures = makeFigures(aside);
  host.append(empty, work);
  hear();
  watch(hear);

  function hear() {
    const now = of();
    if (now.asked) load(now.asked, now.on_line ?? null);
    else if (parts && now.at !== undefined) moveTo(now.at);
  }

  async function load(asked, limitOnLine) {
    const mine = ++loading;
    note.textContent = t("analysis.loading");
    const answer = asked.recipe ? await call("/api/engineer/analysis/stored", asked) : {error: t("analysis.no_recipe_chosen")};
    if (mine !== loading) return;
    const nothing = !answer.ok ? answer.error : !answer.parts || answer.threshold === null ? t("analysis.no_parts") : "";
    empty.textContent = nothing;
    empty.hidden = !nothing;
    work.hidden = aside.hidden = Boolean(nothing);
    parts = nothing ? null : unpack(answer);
    if (!parts) { delete host.dataset.ready; rest(null); return; }
    note.textContent = answer.texts.note;
    figures.about(answer.texts);
    onLine = limitOnLine;
    draw();
    moveTo(onLine ?? parts.threshold);
    host.dataset.ready = parts.size;
  }

  function draw() {
    if (!parts) return;
    axisNow = scoreAxis(parts, logScore.input.checked, onLine ?? parts.threshold);
    const [passed, rejected] = histogram(parts, axisNow, BINS);
    const edge = (i) => short(axisNow.back(i / BINS));
    const lines = [{x: axisNow.at(parts.threshold), colour: COLOUR.limit, row: 1, before: true,
      label: t("analysis.own_threshold", {value: short(parts.threshold)})}];
    if (onLine !== null && onLine !== parts.threshold)
      lines.push({x: axisNow.at(onLine), colour: COLOUR.limit, row: 0, label: t("analysis.line_threshold", {value: short(onLine)})});
    if (parts.failThreshold !== null && parts.failThreshold <= axisNow.high)
      lines.push({x: axisNow.at(parts.failThreshold), colour: COLOUR.FAIL, row: 1, dash: "2 4",
        label: t("analysis.fail_threshold", {value: short(parts.failThreshold)})});
    const chart = stacked({label: t("analysis.histogram"), steps: BINS, lines,
      logCounts: logCount.input.checked,
      series: [{name: "passed", colour: COLOUR.PASS, values: passed},
        {name: "rejected", colour: COLOUR.FAIL, hatched: true, values: rejected}],
      tipOf: (i) => t("analysis.histogram_tip", {from: edge(i), to: edge(i + 1),
        passed: count(passed[i]), rejected: count(rejected[i])}),
      xTicks: (width) => axisNow.ticks(Math.max(3, Math.floor(width / 90))).map((v) => [axisNow.at(v), short(v)])});
    chartPlace.replaceChildren(chart.host);
    place();
  }

  function moveTo(value) {
    if (!parts) return;
    at = value;
    const result = judge(parts, at);
    figures.show(result, parts);
    place();
    host.dataset.threshold = at;
    host.dataset.flips = result.toReject + result.toPass;
    host.dataset.unknown = result.after[UNKNOWN];
    rest(result);
  }

  /** Put slider, line and field where the threshold is. */
  function place() {
    const x = axisNow.at(at);
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

function scoreAxis({extent: [lowest, above0, highest], threshold: own, failThreshold}, log, onLine) {
  const high = Math.max(highest ?? own, own, onLine, Math.min(failThreshold ?? own, 3 * own)) * 1.03;
  const low = Math.min((log ? above0 : lowest) ?? own / 10, own, onLine);
  if (log && own > 0) return axis(low * 0.97, high, {log: true});
  const begin = low - 0.08 * (high - low);
  return axis(low >= 0 ? Math.max(0, begin) : begin, high);
}
