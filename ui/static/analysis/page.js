// The engineer's analysis: which parts on top, and what another limit would do to them below.
import {call, el, t} from "/static/shared/base.js";
import {bar} from "/static/shared/bar.js";
import {makeThreshold} from "/static/analysis/threshold.js";

export async function start(element) {
  const chosen = choice();
  const judging = makeThreshold(chosen.asked, chosen.assumed);
  chosen.changed(() => judging.load());
  element.append(bar("analysis"), el("div", {class: "top"}, chosen.element), el("main", {class: "work"}, judging.host));
  await chosen.load();
  await judging.load();
}

/** Which parts it is about. */
function choice() {
  let tell = () => {};
  const product = el("select", {class: "product", "aria-label": t("analysis.product"), onchange: () => { offer(); tell(); }});
  const recipe = el("select", {class: "recipe", "aria-label": t("analysis.recipe"), onchange: () => tell()});
  const lot = el("input", {class: "lot", list: "analysis-lots", maxlength: 200, autocomplete: "off", spellcheck: "false",
    placeholder: t("analysis.any_lot"), "aria-label": t("analysis.lot"), onchange: () => tell()});
  const lots = el("datalist", {id: "analysis-lots"});
  const moment = (name) => el("input", {type: "datetime-local", class: name, "aria-label": t(`analysis.${name}`), onchange: () => tell()});
  const since = moment("since"), until = moment("until");
  const told = el("span", {class: "bad", role: "status"});
  let recipes = [], latest = "";
  const labelled = (name, input) => el("label", {class: `field f-${name}`}, el("span", {}, t(`analysis.${name}`)), input);
  const element = el("div", {class: "row filters"}, labelled("product", product), labelled("recipe", recipe), labelled("lot", lot),
    labelled("since", since), labelled("until", until),
    el("button", {class: "again", onclick: () => load().then(() => tell())}, t("analysis.again")), lots, told);

  function offer() {
    const before = recipe.value;
    const fitting = recipes.filter((each) => !product.value || each.product === product.value);
    latest = fitting[0]?.recipe_id ?? "";
    recipe.replaceChildren(el("option", {value: ""}, t("analysis.any_recipe")), ...fitting.map((each, i) =>
      el("option", {value: each.recipe_id},
        t(each.here ? "analysis.recipe_choice" : "analysis.recipe_gone", {product: each.product ?? "–", id: each.recipe_id.slice(0, 8)})
        + (i === 0 ? ` · ${t("analysis.last_used")}` : ""))));
    if (fitting.some((each) => each.recipe_id === before)) recipe.value = before;
  }

  async function load() {
    const answer = await call("/api/engineer/analysis/choices");
    told.textContent = answer.ok ? "" : answer.error;
    if (!answer.ok) return;
    recipes = answer.recipes;
    const before = product.value;
    product.replaceChildren(el("option", {value: ""}, t("analysis.any_product")),
      ...answer.products.map((name) => el("option", {value: name}, name)));
    if (answer.products.includes(before)) product.value = before;
    lots.replaceChildren(...answer.lots.map((name) => el("option", {value: name})));
    offer();
  }

  const time = (input) => (input.value ? new Date(input.value).toISOString() : null);
  /** `one`: of one recipe, the last used where none was chosen. */
  const asked = ({one = false} = {}) => ({product: product.value, recipe: recipe.value || (one ? latest : ""), lot: lot.value, since: time(since), until: time(until)});
  /** The recipe that stands for several because none was chosen; "" where one was, or there is but one. */
  const assumed = () => (recipe.value || recipe.options.length < 3 ? "" : latest);
  return {element, asked, assumed, load, changed: (listener) => { tell = listener; }};
}
