// The recorded parts a recipe was tried on: its mistakes on labelled parts, and who would get another answer.
import {el, t} from "/static/shared/base.js";
import {labelText} from "/static/shared/labels.js";
import {say} from "/static/shared/reasons.js";

/** Show what a trial of the recipe of this training came to. */
export function triedParts(app, job, {parts, flips, listed, labelled}) {
  const title = el("h3", {}, t("setup.try_title"));
  if (!parts.length) return [title, el("p", {}, t("setup.try_none"))];
  return [title, ...mistakes(labelled),
    el("p", {class: "counter", data: {flips: flips.length, of: parts.length}}, t("setup.flips", {n: flips.length, of: parts.length})),
    el("div", {class: "pairs", data: {list: "flips"}}, ...listed.map((row) => pair(app, job, row)))];
}

function mistakes({recipe, line, unsettled, learnt}) {
  if (!recipe.escapes.of && !recipe.overkill.of && !unsettled && !learnt)
    return [el("p", {data: {labelled: "none"}}, t("setup.labelled_none"))];
  const row = (name) => el("tr", {data: {labelled: name}}, el("th", {scope: "row"}, t(`setup.${name}`)), share(recipe[name]), share(line[name]));
  return [el("table", {class: "mistakes"},
    el("thead", {}, el("tr", {}, el("th", {}), el("th", {}, t("setup.labelled_recipe")), el("th", {}, t("setup.labelled_line")))),
    el("tbody", {}, row("escapes"), row("overkill"))),
  unsettled ? el("p", {class: "dim", data: {unsettled}}, t("setup.labelled_unsettled", {n: unsettled})) : "",
  learnt ? el("p", {class: "dim", data: {learnt}}, t("setup.labelled_learnt", {n: learnt})) : ""];
}

function share({count, of, ci95}) {
  if (ci95 === null) return el("td", {class: "dim", data: {count, of}}, t("setup.labelled_no"));
  const [low, high] = ci95.map((rate) => `${(100 * rate).toFixed(1)} %`);
  return el("td", {data: {count, of}}, t("setup.labelled_share", {count, of, low, high}));
}

function pair(app, job, row) {
  const id = encodeURIComponent(row.part_id), picture = `/pictures/${id}/full`, heat = app.url(`tried/${job}/part/${id}`);
  const word = (verdict) => t(`setup.verdict_${verdict.toLowerCase()}`);
  return el("figure", {class: row.escape ? "pair escape" : "pair", data: {part: row.part_id}},
    el("div", {class: "two"}, el("img", {src: picture, alt: row.serial ?? row.part_id, loading: "lazy"}),
      el("div", {class: "over"}, el("img", {src: picture, alt: "", loading: "lazy"}),
        row.score === null ? "" : el("img", {src: heat, alt: t("setup.heat"), loading: "lazy", class: "heat"}))),
    el("figcaption", {}, row.escape ? el("b", {class: "error"}, `▲ ${t("setup.escape", {label: labelText(row)})}`) : "",
      el("b", {}, `${word(row.before)} → ${word(row.verdict)}`), row.label && !row.escape ? el("span", {}, labelText(row)) : "",
      el("span", {}, row.serial ?? row.part_id.slice(0, 8)), el("small", {}, row.cause ? say(row).why : row.reason)));
}
