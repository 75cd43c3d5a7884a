// The station file, to be read only.
import {call, el, t} from "/static/shared/base.js";
import {raw} from "/static/shared/forms.js";

export function show(element) {
  const place = el("div", {class: "split"});
  element.append(place);
  load(place);
}

async function load(place) {
  const found = await call("/api/admin/settings");
  if (!found.ok) { place.append(el("output", {class: "error", role: "alert"}, found.error)); return; }
  const notes = [el("p", {class: "dim"}, t("admin.settings_read_only"))];
  if (found.error) notes.push(el("p", {class: "error"}, t("admin.settings_error", {error: found.error})));
  else if (found.changed) notes.push(el("p", {class: "notice"}, t("admin.settings_changed")));
  place.append(
    el("section", {class: "panel file"}, el("h2", {}, t("admin.settings_file")), el("p", {class: "path"}, raw(found.path)),
      ...notes, el("pre", {translate: "no", tabindex: 0}, found.text)),
    el("section", {class: "panel wide scroll"}, el("h2", {}, t("admin.settings_values")),
      el("table", {class: "values", translate: "no"}, el("tbody", {},
        ...found.values.map(([key, value]) => el("tr", {}, el("th", {}, key), el("td", {}, value)))))));
}
