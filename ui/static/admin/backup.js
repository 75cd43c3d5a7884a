// A copy of the whole station: made at the press of a button, fetched, and kept elsewhere.
import {call, el, t} from "/static/shared/base.js";
import {follow, raw} from "/static/shared/forms.js";
import {count, duration, moment} from "/static/shared/format.js";

const HOW = "inspection restore FILE FOLDER";
const NIGHTLY = "inspection backup STATION.toml FOLDER";

export function show(element) {
  const told = el("div", {class: "made", role: "status"});
  let stop = () => {};
  const look = () => {
    stop();
    stop = follow(() => call("/api/admin/backup"), (found) => tell(told, button, found));
  };
  const button = el("button", {class: "main backup", onclick: async () => {
    button.disabled = true;
    const found = await call("/api/admin/backup", {});
    if (found.ok) look(); else { tell(told, button, found); button.disabled = false; }
  }}, t("admin.back_up"));
  element.append(el("section", {class: "panel backup"},
    el("h2", {}, t("admin.backup_title")), el("p", {}, t("admin.backup_what")), el("p", {}, t("admin.backup_secret")),
    el("div", {class: "tools"}, button), told),
  el("section", {class: "panel backup"}, el("h2", {}, t("admin.restore_title")), el("p", {}, t("admin.restore_how")),
    el("pre", {translate: "no"}, HOW), el("p", {}, t("admin.backup_nightly")), el("pre", {translate: "no"}, NIGHTLY)));
  look();
  return () => stop();
}

function tell(place, button, found) {
  if (!found.ok) { place.replaceChildren(el("p", {class: "error"}, found.error)); return; }
  button.disabled = found.running;
  if (found.began_ms === null) { place.replaceChildren(); return; }
  if (found.running) {
    const span = duration((Date.now() - found.began_ms) / 1000);
    place.replaceChildren(el("p", {}, found.of
      ? t("admin.backing_up_of", {done: count(found.done), of: count(found.of), duration: span})
      : t("admin.backing_up", {duration: span})));
    return;
  }
  if (found.error) {
    place.replaceChildren(el("p", {class: "error"}, found.error === "late"
      ? t("admin.errand_late", {duration: duration(found.limit_s)}) : t("admin.errand_failed", {error: found.error})));
    return;
  }
  const {file, bytes, parts, made_at, missing} = found.found;
  place.replaceChildren(
    el("p", {class: "good"}, t("admin.backed_up", {count: count(parts), size: (bytes / 1e6).toFixed(1)}), " ", moment(made_at)),
    missing ? el("p", {class: "error"}, t("admin.backup_missing", {count: count(missing)})) : "",
    el("p", {}, el("a", {class: "button fetch", href: "/api/admin/backup/file", download: file}, t("admin.backup_fetch")), " ", raw(file)));
}
