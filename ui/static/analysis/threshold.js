// The threshold slider over the histogram of scores: stored parts are judged again on every move.
import {call, el, t} from "/static/shared/base.js";
import {count, dateTime, percent, short} from "/static/shared/format.js";
import {makeApply} from "/static/analysis/apply.js";
import {axis} from "/static/analysis/axis.js";
import {card} from "/static/analysis/cards.js";
import {COLOUR, stacked} from "/static/analysis/chart.js";
import {CANNOT, KIND, PASS, REJECT, UNKNOWN, histogram, judge, listed, unpack} from "/static/analysis/judge.js";

const BINS = 120, STEPS = 2000, SHOWN = 24, LIST_MS = 150;

export function makeThreshold(asked, assumed) {
  let parts = null, onLine = null, axisNow = null, at = 0, waiting = null, wanted = "flips", loading = 0, listing = 0;
  const host = el("section", {class: "threshold"});
  const note = el("div", {class: "note", role: "status"});
  const only = el("p", {class: "only", role: "status", hidden: true});
  const limit = el("select", {class: "limit", "aria-label": t("analysis.how_many"), onchange: () => load()},
    ...[10000, 20000, 50000].map((n) => el("option", {value: n}, t("analysis.latest_parts", {count: count(n)}))));
  const logScore = check("log_score", () => draw());
  const logCount = check("log_count", () => draw());
  const chartPlace = el("div", {class: "histogram-place"});
  const slider = el("input", {type: "range", class: "slider", min: 0, max: STEPS, step: 1,
    "aria-label": t("analysis.threshold"), oninput: () => moveTo(rounded(axisNow.back(slider.value / STEPS)))});
  const exact = el("input", {type: "number", class: "exact", step: "any",
    "aria-label": t("analysis.threshold"), onchange: () => {
      const value = Number(exact.value);
      if (exact.value !== "" && Number.isFinite(value)) moveTo(value);
    }});
  const reset = el("button", {class: "reset", onclick: () => moveTo(parts.threshold)}, t("analysis.reset"));
  const line = el("div", {class: "now-line"});
  const chartBox = el("div", {class: "chart-box"}, chartPlace, line);
  const figures = makeFigures();
  const one = () => ({...asked({one: true}), limit: Number(limit.value)});
  const applying = makeApply({asked: one, at: () => at, moveTo, reload: () => load()});
  const title = el("h3", {class: "flips-title"}), cards = el("div", {class: "cards"});
  const choose = el("div", {class: "choose", role: "group", "aria-label": t("analysis.which_list")},
    ...["flips", "unknown"].map((name) => el("button", {class: `choose-${name}`, data: {name},
      onclick: () => { wanted = name; list(); }}, t(`analysis.list_${name}`))));
  const work = el("div", {class: "threshold-work"},
    el("div", {class: "threshold-left"},
      el("div", {class: "row tools"}, limit, logScore.label, logCount.label, el("span", {class: "space"}), note),
      chartBox, slider,
      el("div", {class: "row under"}, el("label", {class: "exact-label"}, t("analysis.threshold"), exact), reset,
        el("span", {class: "experiment"}, t("analysis.experiment"))),
      applying.element,
      el("div", {class: "row"}, title, el("span", {class: "space"}), choose), cards),
    figures.element);
  const empty = el("p", {class: "empty", hidden: true});
  host.append(only, empty, work);

  async function load() {
    const mine = ++loading;
    note.textContent = t("analysis.loading");
    sayOnly(only, assumed());
    const filters = asked({one: true});
    if (!filters.recipe) { nothing(t("analysis.no_recipe_chosen")); return; }
    const answer = await call("/api/engineer/analysis/stored", {...filters, limit: Number(limit.value)});
    if (mine !== loading) return;
    if (!answer.ok) { nothing(answer.error); return; }
    if (!answer.parts || answer.threshold === null) { nothing(t("analysis.no_parts")); return; }
    empty.hidden = true;
    work.hidden = false;
    parts = unpack(answer);
    note.textContent = t("analysis.span", {recipe: filters.recipe.slice(0, 8), count: count(parts.size), first: dateTime(answer.first_at),
      last: dateTime(answer.last_at)});
    figures.about(answer);
    applying.about(answer);
    onLine = answer.line?.recipe_id ? answer.line.threshold : null;
    draw();
    moveTo(onLine ?? parts.threshold);
    host.dataset.ready = parts.size;
  }

  function nothing(why) {
    parts = null;
    empty.textContent = why;
    empty.hidden = false;
    work.hidden = true;
    note.textContent = "";
    delete host.dataset.ready;
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
    clearTimeout(waiting);
    waiting = setTimeout(list, LIST_MS);
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

  async function list() {
    clearTimeout(waiting);
    if (!parts) return;
    const mine = ++listing, result = figures.last;
    const all = wanted === "flips" ? result.toReject + result.toPass : result.after[UNKNOWN];
    const key = wanted === "unknown" ? "list_of_unknown" : at >= parts.threshold ? "list_to_pass" : "list_to_reject";
    title.textContent = t(`analysis.${key}`, {count: count(all), shown: Math.min(all, SHOWN)});
    for (const button of choose.children)
      button.setAttribute("aria-pressed", String(button.dataset.name === wanted));
    const numbers = listed(parts, wanted, SHOWN);
    const answer = numbers.length ? await call("/api/engineer/analysis/lines", {numbers}) : {ok: true, parts: []};
    if (mine !== listing) return;
    cards.replaceChildren(...(answer.ok ? answer.parts.map(card)
      : [el("p", {class: "bad"}, answer.error)]));
    cards.dataset.shown = answer.ok ? answer.parts.length : 0;
  }

  return {host, load};
}

/** Say that the recipe used last stands for all, as scores of several are not on one scale. */
function sayOnly(place, recipe) {
  place.hidden = !recipe;
  place.textContent = recipe ? t("analysis.only_last", {recipe: recipe.slice(0, 8)}) : "";
}

const rounded = (value) => Number(value.toPrecision(6));

function check(name, changed) {
  const input = el("input", {type: "checkbox", class: name, onchange: changed});
  return {input, label: el("label", {class: "check"}, input, t(`analysis.${name}`))};
}

function scoreAxis(parts, log, onLine) {
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < parts.size; i++) {
    const score = parts.score[i];
    if (parts.kind[i] === KIND.CANNOT || !Number.isFinite(score)) continue;
    if (score < low && (!log || score > 0)) low = score;
    if (score > high) high = score;
  }
  const own = parts.threshold;
  high = Math.max(high, own, onLine, Math.min(parts.failThreshold ?? own, 3 * own)) * 1.03;
  if (!Number.isFinite(low)) low = own / 10;
  low = Math.min(low, own, onLine);
  if (log && own > 0) return axis(low * 0.97, high, {log: true});
  const begin = low - 0.08 * (high - low);
  return axis(low >= 0 ? Math.max(0, begin) : begin, high);
}

/** The figures beside the histogram. */
function makeFigures() {
  const cell = (name) => el("td", {class: name});
  const cells = {};
  const row = (name, code) => {
    cells[`before_${name}`] = cell(`before-${name}`);
    cells[`after_${name}`] = cell(`after-${name}`);
    return el("tr", {class: `row-${name}`}, el("th", {scope: "row"}, t(`analysis.row_${name}`)),
      cells[`before_${name}`], cells[`after_${name}`]);
  };
  const at = el("div", {class: "at"}), flips = el("div", {class: "flip-line"});
  const promise = el("p", {class: "promise"}), ownLimits = el("div", {class: "own-limits"}), escapes = el("p", {class: "escapes"}), overkill = el("p", {class: "overkill"});
  const labels = el("p", {class: "small"}), legend = el("ul", {class: "legend"});
  const element = el("aside", {class: "figures", "aria-live": "off"}, at,
    el("table", {class: "counts"}, el("thead", {}, el("tr", {}, el("th", {}, t("analysis.parts")),
      el("th", {scope: "col"}, t("analysis.stored")), el("th", {scope: "col"}, t("analysis.at_this")))),
    el("tbody", {}, row("pass"), row("reject"), row("unknown"), row("cannot"))),
    flips, el("h3", {}, t("analysis.promise_title")), promise, ownLimits,
    el("h3", {}, t("analysis.labelled_title")), escapes, overkill, labels,
    el("h3", {}, t("analysis.legend_title")), legend);
  const made = {element, last: null, about, show};

  function about(answer) {
    const lines = ["legend_score", "legend_cannot"];
    if (!answer.rules.known) lines.push("legend_no_recipe");
    if (answer.rules.zones.length) lines.push("legend_rules");
    if (answer.several) lines.push("legend_several");
    legend.replaceChildren(...lines.map((key) =>
      el("li", {class: key}, t(`analysis.${key}`, {zones: answer.rules.zones.join(", ")}))));
  }

  function show(result, parts) {
    made.last = result;
    at.replaceChildren(el("span", {}, t("analysis.threshold")), el("strong", {class: "at-value"}, short(result.at)),
      el("span", {class: "dim"}, t("analysis.own_is", {value: short(parts.threshold)})));
    for (const [name, code] of [["pass", PASS], ["reject", REJECT], ["unknown", UNKNOWN], ["cannot", CANNOT]]) {
      cells[`before_${name}`].textContent = count(result.before[code]);
      cells[`after_${name}`].textContent = count(result.after[code]);
    }
    flips.replaceChildren(el("span", {class: "to-reject"}, t("analysis.to_reject", {count: count(result.toReject)})),
      el("span", {class: "to-pass"}, t("analysis.to_pass", {count: count(result.toPass)})));
    const p = result.promise;
    promise.textContent = p === null ? t("analysis.no_promise") : t("analysis.promise", {
      share: percent(p.share), bound: percent(p.bound), n: count(p.n)});
    ownLimits.replaceChildren(...(parts.own ? ofLimits(parts) : []));
    escapes.textContent = shares("escapes", result.escapes);
    overkill.textContent = shares("overkill", result.overkill);
    const asides = [];
    if (result.disputed) asides.push(t("analysis.disputed", {count: count(result.disputed)}));
    if (result.escapes.cannot + result.overkill.cannot)
      asides.push(t("analysis.labelled_cannot", {count: count(result.escapes.cannot + result.overkill.cannot)}));
    asides.push(t("analysis.labelled_chosen"));
    labels.textContent = asides.join(" ");
  }

  function ofLimits({threshold, failThreshold, own}) {
    const [low, high] = own.review_ci95;
    return [el("p", {class: "own-fail"}, t("analysis.own_fail", {value: short(failThreshold),
      share: percent(own.false_reject_promised), bound: percent(own.false_reject_bound)})),
    el("p", {class: "own-pass"}, t("analysis.own_pass", {value: short(threshold),
      share: percent(own.review_estimated), low: percent(low), high: percent(high)}))];
  }

  function shares(name, {n, count: least, most, low, high}) {
    if (n === 0) return t(`analysis.${name}_none`);
    const known = least === most ? count(least) : `${count(least)}–${count(most)}`;
    return t(`analysis.${name}`, {count: known, n: count(n), low: percent(low), high: percent(high),
      share: least === most ? percent(least / n) : `${percent(least / n)} – ${percent(most / n)}`});
  }
  return made;
}
