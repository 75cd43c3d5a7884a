// Finding parts, and all that the record has of one: picture, heat, outlines, fields, events, hash.
import {call, el, has, svg, t} from "/static/shared/base.js";
import {dateTime, short} from "/static/shared/format.js";
import {COLOUR} from "/static/analysis/chart.js";
import {say, size} from "/static/shared/reasons.js";

const API = "/api/engineer/analysis";
export const SIGN = {PASS: "●", FAIL: "■", REVIEW: "▲", CANNOT_INSPECT: "◆"};
export const VERDICTS = Object.keys(SIGN);
export const verdictWord = (verdict) => t(`analysis.verdict_${verdict}`);

export function badge(verdict) {
  return el("span", {class: `verdict ${verdict}`}, `${SIGN[verdict]} ${verdictWord(verdict)}`);
}

function reason(part) {
  const {why, detail} = say(part);
  return detail || why;
}

const number = (value) => (typeof value === "number" ? short(value) : value === null ? "–" : String(value));

function thumb(part) {
  const place = el("span", {class: "thumb"});
  const none = () => place.replaceChildren(el("span", {class: "no-picture"}, t("analysis.no_picture_short")));
  if (!part.picture) { none(); return place; }
  place.append(el("img", {src: `${API}/thumb/${part.part_id}`, loading: "lazy", decoding: "async",
    alt: t("analysis.picture_of", {number: part.number}), onerror: none}));
  return place;
}

/** A part as a small card; `open` is called by click or Enter. */
export function card(part, open) {
  return el("button", {class: "card", data: {number: part.number}, onclick: open},
    thumb(part), el("span", {class: "card-line"}, el("span", {class: `sign ${part.verdict}`}, SIGN[part.verdict]),
      `#${part.number}`), el("span", {class: "card-score"}, number(part.score)));
}

export function make(asked) {
  const field = (name, given) => el("input", {class: name, name, "aria-label": t(`analysis.${name}`),
    placeholder: t(`analysis.${name}`), maxlength: 200, autocomplete: "off", spellcheck: "false", ...given});
  const serial = field("serial"), partId = field("part_id"), no = field("number", {type: "number", min: 1});
  const verdict = el("select", {class: "verdict-choice", "aria-label": t("analysis.verdict")},
    el("option", {value: ""}, t("analysis.any_verdict")),
    ...VERDICTS.map((each) => el("option", {value: each}, verdictWord(each))));
  const rows = el("tbody");
  const told = el("span", {class: "found", role: "status"});
  const older = el("button", {type: "button", class: "older", disabled: true, onclick: () => ask({below: last.number})}, t("analysis.older"));
  const newer = el("button", {type: "button", class: "newer", disabled: true, onclick: () => ask({above: first.number})}, t("analysis.newer"));
  const heads = ["picture", "number", "verdict", "serial", "lot", "score", "judged_at", "reason"];
  const list = el("div", {class: "part-list"}, el("table", {class: "parts"},
    el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", {scope: "col", class: `c-${name}`}, t(`analysis.${name}`))))), rows));
  const form = el("form", {class: "row search", onsubmit: (event) => { event.preventDefault(); ask(); }},
    serial, partId, no, verdict, el("button", {class: "primary find"}, t("analysis.find")),
    el("span", {class: "hint"}, t("analysis.search_hint")), el("span", {class: "space"}), told, newer, older);
  const host = el("section", {class: "search-tab"}, form, list);
  let first = null, last = null, asking = 0;

  async function ask(where = {}) {
    const mine = ++asking;
    told.textContent = t("analysis.loading");
    delete host.dataset.found;
    const answer = await call(`${API}/search`, {...asked(), serial: serial.value, part_id: partId.value,
      number: no.value, verdict: verdict.value, ...where});
    if (mine !== asking) return;
    if (!answer.ok) { told.textContent = answer.error; rows.replaceChildren(); return; }
    first = answer.parts[0];
    last = answer.parts.at(-1);
    older.disabled = !answer.older;
    newer.disabled = !answer.newer;
    told.textContent = answer.parts.length
      ? t("analysis.found", {first: first.number, last: last.number}) : t("analysis.no_parts");
    rows.replaceChildren(...answer.parts.map(line));
    list.scrollTop = 0;
    host.dataset.found = answer.parts.length;
  }
  return {host, load: () => ask()};
}

function line(part) {
  const open = () => openPart(part.number);
  return el("tr", {data: {number: part.number}, onclick: open},
    el("td", {}, thumb(part)),
    el("td", {}, el("button", {class: "link", onclick: (event) => { event.stopPropagation(); open(); }}, String(part.number))),
    el("td", {}, badge(part.verdict)), el("td", {}, part.serial ?? "–"), el("td", {}, part.lot ?? "–"),
    el("td", {class: "right"}, number(part.score)), el("td", {}, dateTime(part.judged_at, {seconds: true})),
    el("td", {class: "reason"}, reason(part)));
}

/** Show one part in front of the page; arrows go to its neighbours by number. */
export async function openPart(which) {
  const dialog = document.querySelector(".analysis dialog.part") ?? makeDialog();
  const answer = await call(`${API}/number/${which}`);
  if (!dialog.open) dialog.showModal();
  const stood = ["previous", "next"].find((name) => document.activeElement?.classList.contains(name));
  history.replaceState(null, "", `#part=${which}`);
  if (answer.ok) fill(dialog, answer);
  else dialog.querySelector(".part-body").replaceChildren(el("p", {class: "bad"}, answer.error));
  // What had the focus is gone; keys must go on working.
  (dialog.querySelector(`button.${stood ?? "none"}:enabled`) ?? dialog).focus();
}

function makeDialog() {
  const dialog = el("dialog", {class: "part", tabindex: -1}, el("div", {class: "part-body"}));
  dialog.addEventListener("keydown", (event) => {
    const go = {ArrowLeft: ".previous", ArrowRight: ".next"}[event.key];
    if (go && event.target.tagName !== "INPUT") { dialog.querySelector(`${go}:enabled`)?.click(); event.preventDefault(); }
  });
  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname));
  document.querySelector(".analysis").append(dialog);
  return dialog;
}

function fill(dialog, {record, events, picture, file, last}) {
  const at = record.number;
  const step = (name, to) => el("button", {class: name, disabled: to < 1 || to > last,
    onclick: () => openPart(to)}, t(`analysis.${name}`));
  const close = el("button", {class: "close", onclick: () => dialog.close()}, t("analysis.close"));
  const head = el("header", {class: "row"}, badge(record.verdict), el("h2", {}, t("analysis.part_number", {number: at})),
    el("span", {class: "space"}), step("previous", at - 1), step("next", at + 1), close);
  const look = picture ? look_at(record, file) : el("p", {class: "empty"}, t("analysis.no_picture"));
  const fields = ["score", "threshold", "p_value", "serial", "lot", "product", "station", "recipe_id",
    "part_id", "trigger_id", "source", "captured_at", "judged_at", "image", "image_sha256", "previous_hash", "hash"];
  const table = el("table", {class: "fields"}, el("tbody", {},
    pair("reason", reason(record)),
    ...fields.map((name) => pair(name, /_at$/.test(name) && record[name]
      ? `${dateTime(record[name], {seconds: true})} (${record[name].replace("+00:00", " UTC").replace("T", " ")})` : number(record[name]))),
    ...nested("health", record.health), ...nested("latency", record.latency_ms, " ms"), ...nested("capture", record.capture)));
  const what = events.map((event) => el("tr", {}, el("td", {}, dateTime(event.at, {seconds: true})), el("td", {}, event.who),
    el("td", {}, has(`analysis.event_${event.kind}`) ? t(`analysis.event_${event.kind}`) : event.kind),
    el("td", {}, Object.entries(event.detail).filter(([, value]) => value !== null && value !== false)
      .map(([key, value]) => `${key}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", "))));
  dialog.dataset.number = at;
  dialog.setAttribute("aria-label", t("analysis.part_number", {number: at}));
  dialog.querySelector(".part-body").replaceChildren(head, el("div", {class: "part-columns"}, look,
    el("div", {class: "part-facts"},
      el("h3", {}, t("analysis.events")), what.length ? el("table", {class: "events"}, el("tbody", {}, ...what))
        : el("p", {class: "dim"}, t("analysis.no_events")),
      el("h3", {}, t("analysis.regions_title", {count: record.regions.length})), regions(record.regions),
      el("h3", {}, t("analysis.fields")), table)));
}

function pair(name, value) {
  const label = has(`analysis.${name}`) ? t(`analysis.${name}`) : name;
  return el("tr", {data: {field: name}}, el("th", {scope: "row"}, label), el("td", {}, value));
}

const nested = (group, values, unit = "") => Object.entries(values).map(([name, value]) =>
  pair(has(`analysis.${group}_${name}`) ? `${group}_${name}` : `${group}.${name}`, number(value) + (value === null ? "" : unit)));

function regions(all) {
  if (!all.length) return el("p", {class: "dim"}, t("analysis.no_regions"));
  return el("table", {class: "regions"}, el("tbody", {}, ...all.map((region, i) => el("tr", {},
    el("td", {}, String(i + 1)), el("td", {}, region.zone ?? t("analysis.no_zone")),
    el("td", {class: "type"}, region.label === "unknown" ? t("analysis.type_unknown") : region.label ?? ""),
    el("td", {}, t("analysis.peak", {value: number(region.peak_score)})),
    el("td", {}, size(region)),
    el("td", {}, region.accepted ? t("analysis.accepted") : t("analysis.at_fault"))))));
}

function look_at(record, file) {
  const heat = el("img", {class: "heat", alt: "", hidden: true});
  const outlines = svg("svg", {class: "outlines", preserveAspectRatio: "xMidYMid meet"});
  const told = el("span", {class: "dim", role: "status"});
  const whole = el("img", {class: "whole", src: `/pictures/${record.part_id}/screen`,
    alt: t("analysis.picture_of", {number: record.number}),
    onload: () => {
      outlines.setAttribute("viewBox", `0 0 ${whole.naturalWidth} ${whole.naturalHeight}`);
      const wide = Math.max(2, whole.naturalWidth / 250);
      outlines.replaceChildren(...record.regions.map((region) => svg("rect", {x: region.x_px, y: region.y_px,
        width: region.width_px, height: region.height_px, fill: "none", "stroke-width": wide,
        stroke: region.accepted ? COLOUR.dim : COLOUR[record.verdict] ?? COLOUR.FAIL,
        ...(region.accepted ? {"stroke-dasharray": `${3 * wide} ${2 * wide}`} : {})})));
    }});
  const showHeat = el("input", {type: "checkbox", class: "show-heat", onchange: () => {
    heat.hidden = !showHeat.checked;
    if (showHeat.checked && !heat.src) {
      told.textContent = t("analysis.loading");
      heat.onload = () => { told.textContent = ""; };
      heat.onerror = () => { told.textContent = t("base.no_heat"); heat.hidden = true; };
      heat.src = `/pictures/${record.part_id}/heat`;
    }
  }});
  const showOutlines = el("input", {type: "checkbox", class: "show-outlines", checked: true,
    onchange: () => outlines.toggleAttribute("hidden", !showOutlines.checked)});
  return el("div", {class: "part-look"}, el("div", {class: "part-picture"}, whole, heat, outlines),
    el("div", {class: "row"}, el("label", {class: "check"}, showHeat, t("analysis.heat")),
      el("label", {class: "check"}, showOutlines, t("analysis.outlines")), told, el("span", {class: "space"}),
      el("a", {class: "button download", href: `/pictures/${record.part_id}/full`, download: file}, t("analysis.download"))));
}
