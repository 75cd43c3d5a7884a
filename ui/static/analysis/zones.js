// The limits of a recipe's zones: what others would do to the labelled parts, then on the line.
import {call, el, t, toast} from "/static/shared/base.js";
import {ask} from "/static/shared/dialog.js";
import {count} from "/static/shared/format.js";
import {share} from "/static/analysis/figures.js";

const API = "/api/engineer/analysis/limit/zones";

/** Ask for limits, show what they do, and put them on the line. `limits`: the zones as they are; `asked`: which parts. */
export function askZones({limits, line, asked, reload}) {
  const names = limits.scaled ? ["max_area_px", "max_area_mm2", "max_count"] : ["max_area_px", "max_count"];
  const inputs = limits.zones.map((zone) => Object.fromEntries(names.map((name) => [name, el("input", {type: "number", step: name === "max_count" ? 1 : "any",
    min: 0, value: zone[name] ?? "", data: {zone: zone.name, limit: name}, "aria-label": `${zone.name}: ${t(`analysis.zone_${name}`)}`})])));
  const table = el("table", {class: "zone-limits"},
    el("tr", {}, el("th", {}, t("analysis.zone")), ...names.map((name) => el("th", {}, t(`analysis.zone_${name}`)))),
    ...limits.zones.map((zone, i) => el("tr", {}, el("th", {scope: "row"}, zone.name), ...names.map((name) => el("td", {}, inputs[i][name])))));
  const number = (input) => (input.value === "" ? null : Number(input.value));
  const given = () => limits.zones.map((zone, i) => ({name: zone.name, ...Object.fromEntries(names.map((name) => [name, number(inputs[i][name])]))}));
  ask({title: t("analysis.zones_title"), text: t("analysis.zones_text"), button: t("analysis.zones_show"), inside: [table],
    act: async () => {
      const zones = given(), found = await call(`${API}/at`, {...asked(), zones});
      if (found.ok) sure(found, zones);
      return found;
    }});

  function sure(found, zones) {
    ask({title: t("analysis.zones_sure"), text: t("analysis.apply_text", {products: line.products.join(", ")}), button: t("analysis.apply_yes"),
      inside: [el("ul", {class: "apply-figures"},
        el("li", {class: "at-escapes"}, share("escapes", found.escapes), el("small", {}, ` ${t("analysis.zones_now", {what: share("escapes", found.escapes_now)})}`)),
        el("li", {class: "at-overkill"}, share("overkill", found.overkill), el("small", {}, ` ${t("analysis.zones_now", {what: share("overkill", found.overkill_now)})}`)),
        el("li", {class: "at-flips"}, `${t("analysis.to_pass", {count: count(found.to_pass)})} ${t("analysis.to_reject", {count: count(found.to_reject)})}`),
        found.unknown ? el("li", {class: "at-unknown"}, t("analysis.zones_unknown", {count: count(found.unknown)})) : "")],
      act: async () => {
        const done = await call(`${API}/apply`, {...asked(), zones});
        if (done.ok) { toast(t("analysis.zones_applied", {recipe: done.recipe_id.slice(0, 8)})); reload(); }
        return done;
      }});
  }
}
