// What happened over time: yield in steps and causes of rejects; measures of each part with limits.
import {call, el, has, pathOf, t} from "/static/shared/base.js";
import {count, percent, short, when} from "/static/shared/format.js";
import {COLOUR, pareto, points, stacked} from "/static/analysis/chart.js";
import {bytes, floats} from "/static/analysis/judge.js";
import {sayOnly} from "/static/analysis/threshold.js";

const API = "/api/engineer/analysis", VERDICTS = ["PASS", "FAIL", "REVIEW", "CANNOT_INSPECT"];
const verdictWord = (verdict) => t(`analysis.verdict_${verdict}`);

function panel(name, title, ...tools) {
  const about = el("span", {class: "about", role: "status"}), body = el("div", {class: "panel-body"});
  const host = el("section", {class: `panel ${name}`}, el("header", {class: "row"}, el("h3", {}, title), ...tools,
    el("span", {class: "space"}), about), body);
  return {host, body, about, say: (text) => { about.textContent = text; },
    empty: (text) => { body.replaceChildren(el("p", {class: "empty"}, text)); }};
}

export function makeYield(asked) {
  const step = el("select", {class: "step", "aria-label": t("analysis.step"), onchange: () => loadYield()},
    ...["hour", "shift", "day"].map((name) => el("option", {value: name, selected: name === "shift"}, t(`analysis.step_${name}`))));
  const over = panel("yield", t("analysis.yield"), step);
  const key = el("div", {class: "key"}, ...VERDICTS.map((name) =>
    el("span", {class: `key-item ${name}`}, el("i", {style: `background:${COLOUR[name]}`}), verdictWord(name))));
  over.about.before(key);
  const zones = panel("zones", t("analysis.by_zone")), kinds = panel("kinds", t("analysis.by_reason"));
  const defects = panel("defects", t("analysis.by_defect"));
  const host = el("section", {class: "yield-tab"}, over.host,
    el("div", {class: "three"}, zones.host, defects.host, kinds.host));

  async function loadYield() {
    over.say(t("analysis.loading"));
    const answer = await call(`${API}/yield`, {...asked(), step: step.value});
    if (!answer.ok) { over.say(""); over.empty(answer.error); return; }
    over.say(t("analysis.of_parts", {count: count(answer.parts)}));
    if (!answer.parts) { over.empty(t("analysis.no_parts")); return; }
    const {steps} = answer, dated = {date: true, time: step.value !== "day"};
    const of = (i) => VERDICTS.reduce((sum, name) => sum + steps[i][name], 0);
    const chart = stacked({name: "yield-chart", label: t("analysis.yield"), steps: steps.length,
      series: VERDICTS.map((name) => ({name, colour: COLOUR[name], hatched: name === "FAIL",
        values: steps.map((each) => each[name])})),
      tickOf: (i) => when(steps[i].at_ms, dated), topOf: (i) => percent(steps[i].PASS / of(i), 3),
      tipOf: (i) => t("analysis.yield_tip", {at: when(steps[i].at_ms, dated), count: count(of(i)),
        share: of(i) ? percent(steps[i].PASS / of(i), 4) : "–", pass: count(steps[i].PASS), fail: count(steps[i].FAIL),
        review: count(steps[i].REVIEW), cannot: count(steps[i].CANNOT_INSPECT)})});
    over.body.replaceChildren(chart.host);
    host.dataset.parts = answer.parts;
  }

  async function loadCauses() {
    for (const each of [zones, kinds, defects]) each.say(t("analysis.loading"));
    const answer = await call(`${API}/causes`, asked());
    for (const [place, name, nameOf] of [[zones, "zones", zoneName], [kinds, "kinds", kindName], [defects, "defects", defectName]]) {
      if (!answer.ok) { place.say(""); place.empty(answer.error); continue; }
      const {parts, bars, more} = answer[name];
      place.say(t(more ? "analysis.of_latest" : "analysis.of_parts", {count: count(parts)}));
      if (bars.length) place.body.replaceChildren(pareto({label: t(`analysis.by_${{zones: "zone", kinds: "reason", defects: "defect"}[name]}`), bars, nameOf}).host);
      else place.empty(t(`analysis.none_${name}`));
    }
    host.dataset.causes = answer.ok;
  }
  return {host, load: () => Promise.all([loadYield(), loadCauses()])};
}

const zoneName = (name) => (name === "-" ? t("parts.no_zone") : name);
const defectName = (name) => (name === "-" ? t("analysis.no_type") : name);
const kindName = (name) => (has(`causes.${name}`) ? t(`causes.${name}`) : name);

export function measureName(measure) {
  const [group, name] = measure.split(".");
  if (!name) return t("parts.score");
  const key = `measures.${group}_${name}`;
  return has(key) ? t(key) + (group === "latency" ? " (ms)" : "") : measure;
}

export function makeMeasures(asked, assumed) {
  const first = ["score", "health.brightness", "latency.total"];
  const charts = first.map((measure, i) => oneMeasure(asked, measure, i));
  const limit = el("select", {class: "limit", "aria-label": t("analysis.how_many"), onchange: () => load()},
    ...[1000, 10000, 50000].map((n) => el("option", {value: n, selected: n === 10000}, t("analysis.latest_parts", {count: count(n)}))));
  const note = el("span", {class: "hint"}, t("analysis.measures_hint"));
  const only = el("p", {class: "only", role: "status", hidden: true});
  const host = el("section", {class: "measures-tab"}, only, el("div", {class: "row"}, limit, note), ...charts.map((each) => each.host));
  async function load() {
    sayOnly(only, assumed());
    const answer = await call(`${API}/measures`, asked({one: true}));
    const names = answer.ok ? answer.measures : first;
    await Promise.all(charts.map((each) => each.load(names, Number(limit.value))));
  }
  return {host, load};
}

function oneMeasure(asked, chosen, place) {
  let most = 10000;
  const choice = el("select", {class: "measure", "aria-label": t("analysis.measure"), onchange: () => { chosen = choice.value; draw(); }});
  const shown = panel(`measure-${place}`, "", choice);
  const host = shown.host;

  async function load(names, limit) {
    most = limit;
    if (!names.includes(chosen)) names = [chosen, ...names];
    choice.replaceChildren(...names.map((name) => el("option", {value: name, selected: name === chosen}, measureName(name))));
    await draw();
  }

  async function draw() {
    shown.say(t("analysis.loading"));
    const measure = chosen;
    const answer = await call(`${API}/measured`, {...asked({one: true}), measure, limit: most});
    if (measure !== chosen) return;
    if (!answer.ok) { shown.say(""); shown.empty(answer.error); return; }
    shown.say(t("analysis.of_parts", {count: count(answer.parts)})
      + (answer.without ? ` · ${t("analysis.without", {count: count(answer.without)})}` : ""));
    if (!answer.parts) { shown.empty(t("analysis.no_parts")); return; }
    const number = floats(answer.number), at = floats(answer.at_ms), value = floats(answer.value);
    const verdict = bytes(answer.verdict), median = floats(answer.median);
    const chart = points({label: measureName(measure), at, value, verdict, verdicts: answer.verdicts, median,
      limits: answer.limits.map((each) => ({value: each.value,
        label: t(`analysis.limit_${each.name}`, {value: short(each.value)})})),
      tipOf: (i) => t("analysis.point_tip", {number: number[i], at: when(at[i]), value: short(value[i]),
        verdict: verdictWord(answer.verdicts[verdict[i]]), median: short(median[i])}),
      pick: (i) => window.open(`${pathOf("parts")}#part=${number[i]}`)});
    shown.body.replaceChildren(chart.host);
  }
  return {host, load};
}
