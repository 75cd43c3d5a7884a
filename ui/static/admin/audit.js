// The audit record: who did what, newest first.
import {call, el, lang, pathOf, t} from "/static/shared/base.js";
import {details, known, word} from "/static/admin/detail.js";
import {follow, raw} from "/static/shared/forms.js";
import {duration, moment} from "/static/shared/format.js";

export function show(element) {
  const kind = el("select", {id: "audit-kind", onchange: () => fresh()});
  const who = el("select", {id: "audit-who", onchange: () => fresh()});
  const body = el("tbody");
  const error = el("output", {class: "error", role: "alert"});
  const newest = el("button", {class: "newest", onclick: () => fresh()}, t("admin.newest"));
  const older = el("button", {class: "older", onclick: () => load(following)}, t("admin.older"));
  const csv = el("a", {class: "button csv", download: ""}, t("admin.export_csv"));
  const verdict = el("div", {class: "verdict", role: "status"});
  let following = null, stop = () => {};

  const asked = () => new URLSearchParams({kind: kind.value, who: who.value});
  const load = async (from) => {
    const query = asked();
    for (const [name, number] of Object.entries(from ?? {})) if (number) query.set(name, number);
    const found = await call(`/api/admin/audit?${query}`);
    error.textContent = found.ok ? "" : found.error;
    if (!found.ok) return;
    body.replaceChildren(...found.rows.map(row));
    if (!found.rows.length) body.append(el("tr", {}, el("td", {colspan: 5, class: "dim"}, t("admin.nothing_found"))));
    following = found.next;
    older.disabled = !following;
    newest.disabled = !from;
  };
  const fresh = () => { csv.href = `/api/admin/audit/table.csv?${asked()}`; load(null); };
  const choose = async () => {
    const found = await call("/api/admin/audit/people");
    const kinds = (found.kinds ?? []).sort((a, b) => word(a).localeCompare(word(b), lang));
    kind.append(el("option", {value: ""}, t("admin.everything")), ...kinds.map((each) =>
      el("option", {value: each, translate: known(each) ? null : "no"}, word(each))));
    who.append(el("option", {value: ""}, t("admin.everybody")), ...(found.people ?? []).map((name) =>
      el("option", {value: name, translate: "no"}, name)));
    fresh();
  };
  const look = () => {
    stop();
    stop = follow(() => call("/api/admin/audit/verify"), (found) => tell(verdict, found));
  };
  const verify = el("button", {class: "verify", onclick: async () => {
    const found = await call("/api/admin/audit/verify", {});
    if (found.ok) look(); else tell(verdict, found);
  }}, t("admin.verify"));

  const heads = ["when", "who", "what", "details", "part"].map((key) => el("th", {}, t(`admin.${key}`)));
  element.append(
    el("div", {class: "tools"}, kind, who, newest, older, el("span", {class: "space"}), verify, csv), verdict, error,
    el("div", {class: "panel scroll"}, el("table", {class: "audit"}, el("thead", {}, el("tr", {}, ...heads)), body)));
  choose();
  look();
  return () => stop();
}

function row(deed) {
  const what = known(deed.kind) ? word(deed.kind) : raw(deed.kind);
  return el("tr", {data: {kind: deed.kind, number: deed.number}},
    el("td", {class: "when"}, moment(deed.at)), el("td", {}, raw(deed.who)), el("td", {}, what),
    el("td", {class: "details"}, details(deed)), el("td", {class: "id"}, part(deed)));
}

/** A part by its number, to be looked at on the review page; whoever reads this may open that. */
function part(deed) {
  if (deed.part_id === null) return "";
  if (deed.part_number === null) return el("span", {translate: "no", title: deed.part_id}, deed.part_id.slice(0, 8));
  const href = `${pathOf("review")}?part=${encodeURIComponent(deed.part_id)}`;
  return el("a", {href, title: deed.part_id, translate: "no"}, `#${deed.part_number}`);
}

function tell(place, found) {
  place.className = "verdict";
  place.replaceChildren();
  if (!found.ok) { place.classList.add("bad"); place.textContent = found.error; return; }
  if (found.began_ms === null) return;
  if (found.running) {
    place.textContent = t("admin.verifying", {duration: duration((Date.now() - found.began_ms) / 1000)});
    return;
  }
  if (found.error) {
    place.classList.add("bad");
    place.textContent = found.error === "late" ? t("admin.errand_late", {duration: duration(found.limit_s)})
      : t("admin.errand_failed", {error: found.error});
    return;
  }
  const {findings, faults, count, hash} = found.found;
  place.classList.add(faults ? "bad" : "good");
  place.textContent = faults ? t("admin.broken", {count: faults})
    : t("admin.verified", {count, hash: hash.slice(0, 12), duration: duration(found.took_s)});
  place.append(...findings.slice(0, 20).map((line) => el("div", {translate: "no"}, line)));
}
