// Who the part in the picture is, what the shift came to, and the line at the top.
import {call, el, lang, me, t} from "/static/shared/base.js";
import {clock, put, when} from "/static/shared/format.js";

const SHORT = 12, KEPT = 20;
const WHOLE = new Intl.NumberFormat(lang, {maximumFractionDigits: 0});
const TENTHS = new Intl.NumberFormat(lang, {minimumFractionDigits: 1, maximumFractionDigits: 1});

/** The station's name, its product and the time. */
export function head() {
  const station = el("strong"), product = el("span"), person = el("span", {class: "person"}), time = el("time");
  setInterval(() => put(time, clock(Date.now())), 1000);
  const show = (state) => {
    put(station, state.station ?? "");
    const name = state.status?.product;
    put(product, name ? t("operator.product_now", {name}) : "");
    put(person, me.user);
  };
  return {element: el("div", {class: "head"}, station, product, el("span", {class: "space"}), person, time), show};
}

/** The counters of the shift and the facts of the part shown. */
export function facts() {
  const counters = ["inspected", "rejected", "yield"].map((name) => counter(name));
  const began = el("div", {class: "began"});
  const rows = Object.fromEntries(["number", "serial", "lot", "product", "recipe", "since", "judged", "took"]
    .map((name) => [name, row(name)]));
  const element = el("aside", {class: "facts"},
    el("div", {class: "counters"}, began, ...counters.map((each) => each.element)),
    el("dl", {}, ...Object.values(rows).map((each) => each.element)));
  const since = sinceOf((text) => rows.since.put(text));
  const show = (part, state) => {
    element.classList.toggle("frozen", state.frozen !== null);
    element.classList.toggle("old", state.gone !== null);
    tally(counters, began, state.shift);
    rows.number.put(part ? String(part.number) : "–");
    rows.serial.put(part?.serial ?? "–");
    rows.lot.put(part?.lot ?? "–");
    rows.product.put(part?.product ?? "–");
    rows.recipe.put(part?.recipe_id ? part.recipe_id.slice(0, SHORT) : "–");
    rows.judged.put(part ? day(part.judged_at) + clock(part.judged_at) : "–");
    rows.took.put(took(part?.latency_ms));
    since(part?.recipe_id || null, state.about !== null);
  };
  return {element, show};
}

function tally([inspected, rejected, rate], began, shift) {
  if (!shift) return;
  put(began, t("operator.shift_since", {at: clock(shift.began).slice(0, 5)}));
  inspected.put(WHOLE.format(shift.inspected));
  rejected.put(WHOLE.format(shift.rejected));
  rate.put(shift.first_pass_yield === null ? "–" : percent(shift.first_pass_yield));
}

/** Write a share in percent, rounded down: 100.0 % is all of them. */
const percent = (share) => `${TENTHS.format(Math.floor(share * 1000 + 1e-9) / 10)} %`;

const took = (ms) => ms === undefined || ms === null ? "–" : t("operator.ms", {n: WHOLE.format(ms)});

function day(iso) {
  const at = new Date(iso);
  return at.toDateString() === new Date().toDateString() ? "" : `${when(at, {time: false})} `;
}

/** Look up since when a recipe is on the line, once for each recipe. */
function sinceOf(show) {
  const known = new Map();
  let asked = null;
  return async (recipe, ready) => {
    if (!ready || recipe === asked) return;
    asked = recipe;
    if (!recipe) { show("–"); return; }
    if (!known.has(recipe)) {
      const found = await call(`/api/operator/recipe/${encodeURIComponent(recipe)}`);
      if (known.size > KEPT) known.clear();
      known.set(recipe, found.since ? `${day(found.since)}${clock(found.since).slice(0, 5)} · ${found.who}` : t("operator.not_known"));
    }
    if (asked === recipe) show(known.get(recipe));
  };
}

function counter(name) {
  const value = el("b", {data: {figure: name}}, "–");
  const element = el("div", {class: "counter"}, el("span", {}, t(`operator.count_${name}`)), value);
  return {element, put: (text) => put(value, text)};
}

function row(name) {
  const value = el("dd", {data: {fact: name}}, "–");
  const element = el("div", {}, el("dt", {}, t(`operator.fact_${name}`)), value);
  return {element, put: (text) => { put(value, text); if (value.title !== text) value.title = text; }};
}
