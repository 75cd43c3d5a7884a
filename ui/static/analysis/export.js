// Files for other programs, the report of a lot, and whether the record is as it was written.
import {call, el, t, toast} from "/static/shared/base.js";
import {count} from "/static/shared/format.js";

const API = "/api/engineer/analysis", ASK_MS = 1000, VERDICTS = ["PASS", "FAIL", "REVIEW", "CANNOT_INSPECT"];
const verdictWord = (verdict) => t(`analysis.verdict_${verdict}`);

export function make(asked) {
  return {host: el("section", {class: "export-tab"}, files(asked), report(asked), verify()), load: async () => {}};
}

function box(name, title, ...inner) {
  return el("section", {class: `panel ${name}`}, el("h3", {}, title), ...inner);
}

function files(asked) {
  const kind = el("select", {class: "kind", "aria-label": t("analysis.kind")}, ...["csv", "parquet"].map((each) => el("option", {value: each}, each)));
  const verdict = el("select", {class: "export-verdict", "aria-label": t("parts.verdict")},
    el("option", {value: ""}, t("parts.any_verdict")),
    ...VERDICTS.map((each) => el("option", {value: each}, verdictWord(each))));
  const pictures = el("input", {type: "checkbox", class: "with-pictures"});
  const told = el("p", {class: "told", role: "status"});
  const button = el("button", {class: "primary make-file", onclick: make_}, t("analysis.make_file"));
  async function make_() {
    button.disabled = true;
    told.textContent = t("analysis.working");
    const answer = await call(`${API}/export`, {...asked(), kind: kind.value, verdict: verdict.value, pictures: pictures.checked});
    button.disabled = false;
    if (!answer.ok) { told.textContent = answer.error; return; }
    const link = el("a", {href: `${API}/export/${answer.token}`, download: answer.name});
    document.body.append(link);
    link.click();
    link.remove();
    const size = (answer.bytes / 1e6).toFixed(answer.bytes < 1e7 ? 2 : 0);
    told.textContent = t("analysis.file_made", {parts: count(answer.parts), images: count(answer.images), size, name: answer.name})
      + (answer.images_missing ? ` ${t("analysis.images_missing", {count: count(answer.images_missing)})}` : "");
    told.dataset.parts = answer.parts;
  }
  return box("files", t("analysis.export"), el("p", {class: "dim"}, t("analysis.export_about")),
    el("div", {class: "row"}, kind, verdict, el("label", {class: "check"}, pictures, t("analysis.with_pictures")), button), told);
}

function report(asked) {
  const lot = el("input", {class: "report-lot", list: "analysis-lots", maxlength: 200, autocomplete: "off",
    placeholder: t("analysis.lot"), "aria-label": t("analysis.lot")});
  const told = el("p", {class: "told", role: "status"});
  const open = async () => {
    const name = lot.value.trim() || asked().lot;
    if (!name) { told.textContent = t("analysis.name_a_lot"); return; }
    const page = window.open("about:blank", "_blank"); // now, or the browser holds it back
    told.textContent = t("analysis.working");
    const answer = await call(`${API}/report`, {lot: name});
    told.textContent = answer.ok ? t("analysis.report_made", {lot: name, parts: count(answer.parts)}) : answer.error;
    if (!page) { toast(t("analysis.no_window"), "bad"); return; }
    if (answer.ok) page.location = `${API}/report/${answer.token}`;
    else page.close();
  };
  return box("report", t("analysis.report"), el("p", {class: "dim"}, t("analysis.report_about")),
    el("div", {class: "row"}, lot, el("button", {class: "primary open-report", onclick: open}, t("analysis.open_report"))), told);
}

function verify() {
  const pictures = el("input", {type: "checkbox", class: "verify-pictures"});
  const start = el("button", {class: "primary verify-start", onclick: () => ask(`${API}/verify?pictures=${pictures.checked}`, {})}, t("analysis.verify_start"));
  const cancel = el("button", {class: "verify-cancel", hidden: true, onclick: () => ask(`${API}/verify/cancel`, {})}, t("analysis.cancel"));
  const told = el("p", {class: "told", role: "status"}), findings = el("ul", {class: "findings"});
  let again = null;
  async function ask(path, body) {
    clearTimeout(again);
    const state = await call(path, body);
    if (!state.ok) { told.textContent = state.error; return; }
    start.disabled = state.running;
    cancel.hidden = !state.running;
    show(state);
    if (state.running) again = setTimeout(() => ask(`${API}/verify`), ASK_MS);
  }
  function show({running, running_s: seconds, found}) {
    findings.replaceChildren();
    delete told.dataset.count;
    if (running) { told.textContent = t("analysis.verifying", {seconds: Math.round(seconds)}); return; }
    if (found.failed) { told.textContent = found.failed; return; }
    if (!found.head) { told.textContent = ""; return; }
    const what = found.pictures ? t("analysis.rows_and_pictures") : t("analysis.rows_only");
    const head = {count: count(found.head.count), hash: found.head.hash, what, faults: count(found.count), seconds: found.seconds.toFixed(1)};
    told.textContent = found.count ? t("analysis.verify_bad", head) : t("analysis.verify_good", head);
    told.className = `told ${found.count ? "bad" : "good"}`;
    told.dataset.count = found.count;
    findings.replaceChildren(...found.findings.map((each) => el("li", {}, each)));
  }
  ask(`${API}/verify`);
  return box("verify", t("analysis.verify"), el("p", {class: "dim"}, t("analysis.verify_about")),
    el("div", {class: "row"}, el("label", {class: "check"}, pictures, t("analysis.verify_pictures")), start, cancel), told, findings);
}
