// Station health: everything a support engineer asks, on one screen, once a second.
import {call, el, t, toast} from "/static/shared/base.js";
import {copy, download, follow, raw} from "/static/shared/forms.js";
import {duration, local, parity} from "/static/shared/format.js";
import {asText, sections} from "/static/admin/figures.js";

const EVERY_MS = 1000;

export function show(element) {
  const at = el("span", {class: "dim as-of"});
  const grid = el("div", {class: "health"});
  const below = el("div", {class: "found", role: "status"});
  let latest = null, over = false, stop = () => {};

  const refresh = async () => {
    const found = await call("/api/admin/health");
    if (over) return;
    if (found.ok) {
      latest = found;
      at.textContent = t("admin.as_of", {time: local(found.at_ms)});
      draw(grid, sections(found));
    }
    grid.classList.toggle("stale", !found.ok);
    setTimeout(refresh, EVERY_MS);
  };
  const text = () => asText(sections(latest), local(latest.at_ms));
  const parity = el("button", {class: "parity", onclick: async () => {
    parity.disabled = true;
    below.replaceChildren(el("p", {}, t("admin.checking_parity")));
    tellParity(below, await call("/api/admin/health/parity", {}));
    parity.disabled = false;
  }}, t("admin.check_parity"));
  const doctor = el("button", {class: "doctor", onclick: async () => {
    const found = await call("/api/admin/health/doctor", {});
    stop();
    if (found.ok) stop = follow(() => call("/api/admin/health/doctor"), (each) => tellDoctor(below, each));
    else tellDoctor(below, found);
  }}, t("admin.doctor"));
  element.append(
    el("div", {class: "tools"}, parity, doctor, el("span", {class: "space"}), at,
      el("button", {class: "copy", onclick: async () => { await copy(text()); toast(t("admin.copied")); }}, t("admin.copy_text")),
      el("button", {class: "json", onclick: () =>
        download("station-health.json", JSON.stringify(latest, null, 1), "application/json")}, t("admin.download_json"))),
    below, grid);
  refresh();
  return () => { over = true; stop(); };
}

/** Draw the sections; where the shape is as before only texts change, so that one can select them. */
function draw(grid, wanted) {
  const shape = JSON.stringify(wanted.map((each) => [each.name, each.rows.map((row) => row.cells.length)]));
  if (grid.dataset.shape !== shape) {
    grid.dataset.shape = shape;
    grid.replaceChildren(...wanted.map(panel));
  }
  for (const [i, section] of wanted.entries()) {
    const rows = grid.children[i].querySelectorAll("tbody tr");
    for (const [j, row] of section.rows.entries()) {
      rows[j].className = row.mark ?? "";
      for (const [k, cell] of row.cells.entries()) {
        const place = rows[j].children[k];
        if (place.textContent !== String(cell)) place.textContent = cell;
      }
    }
  }
}

function panel(section) {
  const head = section.head && el("thead", {}, el("tr", {}, ...section.head.map((text) => el("th", {translate: section.name === "cameras" ? "no" : null}, text))));
  const rows = section.rows.map((row) => el("tr", {data: {row: row.name}}, ...row.cells.map((_, k) =>
    el(k ? "td" : "th", {translate: row.raw?.includes(k) ? "no" : null}))));
  return el("section", {class: "panel", data: {section: section.name}},
    el("h2", {}, section.title), el("table", {}, head, el("tbody", {}, ...rows)));
}

function tellParity(place, found) {
  if (!found.ok) { place.replaceChildren(el("p", {class: "error"}, found.error)); return; }
  place.replaceChildren(el("section", {class: "panel", data: {section: "parity"}}, el("h2", {}, t("admin.parity_title")),
    el("table", {}, el("tbody", {}, ...found.recipes.map((each) => el("tr", {class: each.error || each.file !== "same" ? "bad" : "good"},
      el("th", {}, raw(`${each.view} · ${each.product}`)), el("td", {}, raw(each.recipe_id.slice(0, 12))),
      el("td", {}, each.error ? raw(each.error) : parity(each)), el("td", {}, t(`admin.file_${each.file}`))))))));
}

function tellDoctor(place, found) {
  if (!found.ok) { place.replaceChildren(el("p", {class: "error"}, found.error)); return; }
  if (found.running) {
    place.replaceChildren(el("p", {}, t("admin.examining", {duration: duration((Date.now() - found.began_ms) / 1000)})));
    return;
  }
  if (found.error) {
    const text = found.error === "late" ? t("admin.errand_late", {duration: duration(found.limit_s)})
      : t("admin.errand_failed", {error: found.error});
    place.replaceChildren(el("p", {class: "error"}, text));
    return;
  }
  const mark = {ok: "good", NOTE: "note", PROBLEM: "bad"};
  place.replaceChildren(el("section", {class: "panel", data: {section: "doctor"}}, el("h2", {}, t("admin.doctor_title")),
    el("table", {}, el("tbody", {}, ...found.found.findings.map((each) => el("tr", {class: mark[each.mark]},
      el("td", {}, t(`admin.mark_${each.mark}`)), el("th", {}, raw(each.what)), el("td", {}, raw(each.text))))))));
}
