// What a training came to: scores, promise, odd pictures, the worst good parts, and who would flip.
import {el, has, svg, t} from "/static/shared/base.js";
import {percent, remove, promiseText} from "/static/setup/good.js";
import {stage} from "/static/setup/train.js";
import {triedParts} from "/static/setup/tried.js";

const BINS = 40;
let here = null;

export const missing = (app) => app.state.training?.state === "done" ? null : t("setup.result_missing");

export function open(app, place) {
  here = {app, place, job: null, result: null, tried: null, trial: null, gone: new Set(), going: true};
  changed(app);
  const mine = here;
  return () => { mine.going = false; };
}

export async function changed(app) {
  const mine = here, {training, trial} = app.state;
  if (training?.state !== "done") {
    mine.place.replaceChildren(el("section", {class: "empty"}, el("h2", {}, t("setup.result_missing")),
      el("button", {class: "go", onclick: () => app.show("train")}, t("setup.train"))));
    mine.job = null;
    return;
  }
  if (mine.job !== training.id) {
    mine.job = training.id;
    const answer = await app.get(`result/${training.id}`);
    if (!mine.going) return;
    mine.result = answer.ok ? answer : null;
    mine.tried = null;
    if (!answer.ok) { mine.place.replaceChildren(el("p", {class: "error"}, answer.error)); return; }
    draw(app);
    if (!app.state.trial && !app.state.running) await attempt(app);
  }
  const state = `${trial?.id}:${trial?.state}`;
  if (trial?.state === "done" && mine.trial !== state) {
    mine.trial = state;
    const answer = await app.get(`tried/${training.id}`);
    mine.tried = answer.ok ? answer : null;
    if (mine.going) draw(app);
  } else if (mine.going && mine.result && trial?.state !== "done") drawTrial(app);
}

export const progressed = (app) => changed(app);

async function attempt(app) {
  const answer = await app.post("try", {job: here.job});
  if (!answer.ok) return;
  Object.assign(app.state, {trial: answer.job, running: answer.job});
  here.tried = null;
  drawTrial(app);
}

function draw(app) {
  const {result} = here;
  here.trialPlace = el("section", {class: "trial"});
  here.place.replaceChildren(
    el("section", {class: "stage scroll result", data: {recipe: result.recipe_id}}, ...warnings([...result.warnings, ...(here.tried?.warnings ?? [])]),
      ...badParts(result), el("h3", {}, t("setup.scores")), histogram(result), ...limits(result), ...drawn(result), hygiene(app, result), here.trialPlace),
    el("aside", {}, el("p", {class: "lead"}, t("setup.result_lead")),
      el("p", {}, t("setup.result_facts", {n: result.n_good, seconds: result.seconds.toFixed(0),
        size: `${result.canvas.width_px} × ${result.canvas.height_px}`, mb: (result.recipe_bytes / 1e6).toFixed(1), id: result.recipe_id.slice(0, 12)})),
      result.effort ? el("p", {}, `${t("setup.effort")}: ${t(`setup.effort_${result.effort}`)}`) : "",
      el("button", {class: "go", data: {do: "to-line"}, onclick: () => app.show("line")}, t("setup.to_line")),
      el("button", {data: {do: "again"}, onclick: () => app.show("train")}, t("setup.train_again")),
      el("a", {href: app.url(`recipe/${here.job}`), download: "", class: "button"}, t("setup.save_recipe"))));
  drawTrial(app);
}

/** What a reader must know first, in red; what to try stands once below. */
function warnings(found) {
  if (!found.length) return [];
  const text = ({key, values, text: english}) => has(`setup.warning_${key}`) ? t(`setup.warning_${key}`, shownValues(values)) : english;
  return [el("section", {class: "error warnings", role: "alert"},
    ...found.map((each) => el("p", {data: {warning: each.key}}, `▲ ${text(each)}`)),
    found.some(({key}) => !["variants", "odd_good"].includes(key)) ? el("p", {}, t("setup.warning_try")) : "")];
}

const shownValues = ({share, auroc, length_px: length, threshold, with_odd: withOdd, ...counts}) => ({...counts,
  share: percent(share ?? 0), auroc: auroc?.toFixed(2), length_px: length?.toFixed(0),
  threshold: threshold?.toPrecision(3), with_odd: withOdd?.toPrecision(3)});

/** What came of the parts labelled NG that were given to the training. */
function badParts({defects: found}) {
  if (!found) return [];
  const [low, high] = found.escape_ci95;
  const proposed = found.proposed_threshold;
  return [el("h3", {}, t("setup.bad_parts")), el("p", {class: "counter", data: {bad: found.n, escapes: found.escapes}},
    t("setup.bad_pass", {count: found.escapes, of: found.n, low: percent(low), high: percent(high), auroc: found.image_auroc.toFixed(3)})),
    proposed === null ? "" : el("p", {class: "dim"}, t("setup.bad_proposed", {limit: proposed.toPrecision(3)}))];
}

/** Both limits with their words: what is promised of the one, and estimated of the other. */
function limits(result) {
  const copies = result.hygiene.duplicates.reduce((sum, names) => sum + names.length - 1, 0);
  const told = {n: result.n_good - copies, asked: result.false_reject_asked, promised: result.false_reject_promised, bound: result.false_reject_bound, needed: result.images_needed};
  const fail = el("p", {class: "counter", data: {promised: result.false_reject_promised}},
    el("b", {}, t("setup.fail_above", {limit: result.fail_threshold.toPrecision(3)})), " ", promiseText(told));
  if (result.review_estimated === null) return [fail];
  const [low, high] = result.review_ci95;
  return [fail, el("p", {class: "counter", data: {estimated: result.review_estimated}},
    el("b", {}, t("setup.pass_up_to", {limit: result.threshold.toPrecision(3)})), " ",
    t("setup.review_estimated", {share: percent(result.review_estimated), low: percent(low), high: percent(high)}))];
}

/** Which defects drawn into good pictures would pass, by size. */
function drawn({drawn_escapes: rows}) {
  if (!rows.length) return [];
  return [el("h3", {}, t("setup.drawn")), el("p", {class: "dim"}, t("setup.drawn_why")),
    el("table", {class: "mistakes", data: {list: "drawn"}},
      el("thead", {}, el("tr", {}, el("th", {}, t("setup.drawn_length")), el("th", {}, t("setup.drawn_pass")))),
      el("tbody", {}, ...rows.map((row) => el("tr", {},
        el("th", {scope: "row"}, t("setup.drawn_size", {px: row.length_px.toFixed(0), share: percent(row.length_share)})),
        el("td", {data: {count: row.escapes, of: row.drawn}}, t("setup.labelled_share", {count: row.escapes, of: row.drawn,
          low: percent(row.escape_ci95[0]), high: percent(row.escape_ci95[1])}))))))];
}

/** Out-of-sample scores of the good parts, with both limits. */
export function histogram({scores, threshold, fail_threshold: fail}) {
  const low = Math.min(...scores), high = Math.max(fail, threshold, ...scores) * 1.02, span = high - low || 1;
  const counts = new Array(BINS).fill(0);
  for (const score of scores) counts[Math.min(BINS - 1, Math.floor(BINS * (score - low) / span))]++;
  const most = Math.max(...counts), x = (value) => 600 * (value - low) / span;
  const limit = (value, name, y) => [svg("line", {x1: x(value), x2: x(value), y1: 0, y2: 150, class: `limit ${name}`}),
    svg("text", {x: x(value) + (x(value) > 450 ? -5 : 5), y, class: name, "text-anchor": x(value) > 450 ? "end" : "start"}, `${t(`setup.limit_${name}`)} ${value.toPrecision(3)}`)];
  return svg("svg", {viewBox: "0 0 600 172", class: "scores", role: "img", "aria-label": t("setup.scores_of", {n: scores.length})},
    ...counts.map((count, i) => svg("rect", {x: 600 * i / BINS + 1, y: 150 - 120 * count / most, width: 600 / BINS - 2, height: 120 * count / most})),
    svg("line", {x1: 0, x2: 600, y1: 150, y2: 150, class: "axis"}), ...limit(threshold, "review", 14), ...limit(fail, "fail", 32),
    svg("text", {x: 0, y: 168}, low.toPrecision(3)), svg("text", {x: 600, y: 168, "text-anchor": "end"}, high.toPrecision(3)));
}

function hygiene(app, {hygiene: found}) {
  const lists = [["unreadable", found.unreadable.map(([name, why]) => [[name], why])], ["off_size", found.off_size.map(([name, size]) => [[name], `${name}: ${size}`])],
    ["duplicates", found.duplicates.map((names) => [names.slice(1), names.join(" = ")])]];
  const shown = lists.filter(([, rows]) => rows.length).map(([name, rows]) => el("details", {open: true, data: {hygiene: name}},
    el("summary", {}, `${t(`setup.hygiene_${name}`)} (${rows.length})`),
    el("ul", {}, ...rows.map(([names, text]) => el("li", {}, text, " ", out(app, names))))));
  const odd = found.suspicious.length ? [el("h3", {}, `▲ ${t("setup.suspicious")} (${found.suspicious.length})`),
    el("p", {class: "dim"}, t("setup.suspicious_why")),
    el("div", {class: "pairs", data: {list: "suspicious"}}, ...found.suspicious.map(([name, score, usual]) =>
      pair(app, name, t("setup.suspicious_score", {score: score.toPrecision(3), limit: usual.toPrecision(3)}))))] : [];
  return el("section", {}, ...(shown.length ? shown : [el("p", {}, `✓ ${t("setup.hygiene_none")}`)]), ...odd);
}

function out(app, names) {
  return el("button", {class: "small", data: {do: "remove-good"}, disabled: names.every((name) => !app.state.good.includes(name)), onclick: async (event) => {
    const button = event.currentTarget;
    if (await remove(app, names)) button.disabled = true;
  }}, t("setup.remove"));
}

function pair(app, name, text) {
  const picture = app.url(`result/${here.job}/good/${encodeURIComponent(name)}`);
  const heat = app.url(`tried/${here.job}/heat/${encodeURIComponent(name)}`, {trial: app.state.trial?.id ?? ""});
  const seen = here.tried?.worst.some((row) => row.name === name);
  return el("figure", {class: "pair", data: {name}},
    el("div", {class: "two"}, el("img", {src: picture, alt: name, loading: "lazy"}),
      el("div", {class: "over"}, el("img", {src: picture, alt: "", loading: "lazy"}), seen ? el("img", {src: heat, alt: t("setup.heat"), loading: "lazy", class: "heat"}) : "")),
    el("figcaption", {}, el("span", {}, name), el("span", {}, text), out(app, [name])));
}

function drawTrial(app) {
  const {trial} = app.state;
  const again = el("button", {class: "small", data: {do: "try"}, onclick: () => attempt(app)}, t("setup.try_again"));
  if (here.tried) { here.trialPlace.replaceChildren(...triedParts(app, here.job, here.tried), ...worst(app), again); return; }
  here.trialPlace.replaceChildren(el("h3", {}, t("setup.trying")),
    trial?.state === "running" ? el("p", {}, stage(trial), " ", t("setup.done_of", {done: trial.done, of: trial.of})) : "",
    trial?.error ? el("p", {class: "error"}, trial.error) : "", trial?.state === "running" ? "" : again);
}

function worst(app) {
  return [el("h3", {}, t("setup.worst")), el("p", {class: "dim"}, t("setup.worst_why")),
    el("div", {class: "pairs", data: {list: "worst"}}, ...here.tried.worst.map((row) =>
      pair(app, row.name, t("setup.score", {score: row.score.toPrecision(3)}))))];
}
