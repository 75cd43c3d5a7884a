// The limit the slider stands at goes on the line: what it would do, a proposal by cost, and the way back.
import {call, el, t, toast} from "/static/shared/base.js";
import {ask} from "/static/shared/dialog.js";
import {count, percent, short} from "/static/shared/format.js";
import {share} from "/static/analysis/figures.js";
import {askZones} from "/static/analysis/zones.js";

const API = "/api/engineer/analysis/limit";

/** The row below the slider. `asked`: which parts; `at`: the limit now; `moveTo` moves it; `reload` reads all anew. */
export function makeApply({asked, at, moveTo, reload}) {
  let costs = {}, byCosts = null, line = null, limits = {zones: []};
  const told = el("span", {class: "line-now", role: "status"});
  const apply = el("button", {class: "apply primary", onclick: () => sure()}, t("analysis.apply"));
  const proposing = el("button", {class: "propose", onclick: () => propose()}, t("analysis.propose"));
  const zones = el("button", {class: "zones", hidden: true, onclick: () => askZones({limits, line, asked, reload: renew})}, t("analysis.zones"));
  const back = el("button", {class: "back", hidden: true, onclick: () => goBack()});
  const element = el("div", {class: "row on-line"}, proposing, apply, zones, told, el("span", {class: "space"}), back);

  function about(answer) {
    line = answer.line ?? null;
    costs = answer.costs ?? costs;
    byCosts = null;
    limits = answer.limits ?? {zones: []};
    zones.hidden = limits.zones.length === 0;
    element.hidden = !line;
    if (!line) return;
    apply.disabled = zones.disabled = !line.on_line;
    apply.title = line.on_line ? "" : t("analysis.apply_not");
    told.textContent = line.recipe_id === null ? t("analysis.apply_not")
      : t("analysis.line_now", {recipe: line.recipe_id.slice(0, 8), value: short(line.threshold)});
    back.hidden = !line.before;
    back.disabled = false;
    if (line.before) back.textContent = t("analysis.back", {recipe: line.before.recipe_id.slice(0, 8), value: short(line.before.threshold)});
    element.dataset.recipe = line.recipe_id ?? "";
  }

  async function sure() {
    const limit = at(), found = await call(`${API}/at`, {...asked(), threshold: limit});
    if (!found.ok) { toast(found.error, "error"); return; }
    ask({title: t("analysis.apply_title", {value: short(found.threshold)}), text: t("analysis.apply_text", {products: line.products.join(", ")}),
      button: t("analysis.apply_yes"), inside: [figures(found)],
      act: async () => {
        const done = await call(`${API}/apply`, {...asked(), threshold: limit, costs: byCosts?.threshold === limit ? byCosts.costs : null});
        if (done.ok) { toast(t("analysis.applied", {value: short(done.threshold), recipe: done.recipe_id.slice(0, 8)})); renew(); }
        return done;
      }});
  }

  /** Something was put on the line: say so at once, and read what is there now. */
  function renew() {
    apply.disabled = zones.disabled = back.disabled = true;
    told.textContent = t("analysis.line_reading");
    return reload();
  }

  async function propose() {
    const inputs = Object.fromEntries(["escape", "overkill", "defect_rate"].map((name) =>
      [name, el("input", {type: "number", class: `cost-${name}`, name, step: "any", min: 0, required: true, value: costs[name]})]));
    const answer = el("div", {class: "proposal", role: "status"});
    ask({title: t("analysis.propose"), text: t("analysis.propose_text"), button: t("analysis.propose_yes"),
      inside: [...Object.entries(inputs).map(([name, input]) => el("label", {class: "cost"}, el("span", {}, t(`analysis.cost_${name}`)), input)), answer],
      act: async () => {
        const given = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, Number(input.value)]));
        const found = await call(`${API}/propose`, {...asked(), costs: given});
        if (!found.ok) return found;
        costs = given;
        if (found.why_not) return {ok: false, error: t(`analysis.${found.why_not}`, {auroc: found.auroc?.toFixed(2)})};
        moveTo(found.threshold);
        byCosts = {threshold: at(), costs: given};
        toast(t(found.few ? "analysis.proposed_few" : "analysis.proposed", {value: short(found.threshold), n: count(found.n), good: count(found.n_good)}));
        return found;
      }});
  }

  async function goBack() {
    back.disabled = true;
    told.textContent = t("base.working");
    const done = await call(`${API}/back`, {recipe: line.recipe_id, product: asked().product});
    if (done.ok) toast(t("analysis.went_back", {recipe: done.recipe_id.slice(0, 8)}));
    else toast(done.error, "error");
    await renew();
  }

  return {element, about};
}

/** What the limit does, in the words of the figures beside the histogram. */
function figures(found) {
  const [low, high] = found.review_ci95;
  return el("ul", {class: "apply-figures"},
    el("li", {class: "at-escapes"}, share("escapes", found.escapes)),
    el("li", {class: "at-overkill"}, share("overkill", found.overkill)),
    el("li", {class: "at-fail"}, t("analysis.own_fail", {value: short(found.fail_threshold),
      share: percent(found.false_reject_promised), bound: percent(found.false_reject_bound)})),
    el("li", {class: "at-pass"}, t("analysis.own_pass", {value: short(found.threshold), share: percent(found.review_estimated),
      low: percent(low), high: percent(high)})));
}
