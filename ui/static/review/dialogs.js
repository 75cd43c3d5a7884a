// What is done now and then: naming types of defects, making a dataset, looking how far people agree.
import {call, el, lang, t, toast} from "/static/shared/base.js";
import {dateTime} from "/static/shared/format.js";
import {defectName} from "/static/shared/labels.js";
import {API} from "/static/review/server.js";

const MOST = 9;

function dialog(title, ...content) {
  const close = el("button", {type: "button", class: "close", "aria-label": t("review.close"), onclick: () => made.close()}, "×");
  const made = el("dialog", {class: "review-dialog"}, el("header", {}, el("h2", {}, title), close), ...content);
  made.addEventListener("close", () => made.remove());
  document.querySelector(".review").append(made);
  made.showModal();
  return made;
}

const problem = () => el("p", {class: "problem", role: "alert"});

/** Let a person change the types of defects; `changed(types)` gets the new list. */
export function editDefects(defects, changed) {
  const names = new Map(defects.map((defect) => [defectName(defect), defect]));
  const inputs = Array.from({length: MOST}, (_, i) =>
    el("input", {maxlength: 40, value: defects[i] ? defectName(defects[i]) : "", "aria-label": t("review.defect_key", {n: i + 1})}));
  const wrong = problem();
  const save = async () => {
    // A type that kept its name keeps what the record calls it.
    const types = inputs.map((input) => input.value.trim()).filter(Boolean).map((name) => names.get(name) ?? name);
    const answer = await call(`${API}/defects`, {types});
    if (!answer.ok) { wrong.textContent = answer.error; return; }
    changed(answer.defects);
    made.close();
  };
  const made = dialog(t("review.defects"),
    el("p", {class: "dim"}, t("review.defects_help")),
    el("ol", {class: "defects"}, ...inputs.map((input, i) => el("li", {}, el("kbd", {}, `${i + 1}`), input))),
    wrong, el("footer", {}, el("button", {type: "button", class: "primary", onclick: save}, t("review.save"))));
}

/** Make a dataset of the labelled parts the filter lets through. */
export async function exportDataset(wanted) {
  const name = el("input", {name: "name", maxlength: 40, autocomplete: "off"});
  const percent = el("input", {name: "percent", type: "number", min: 0, max: 90, value: 20});
  const wrong = problem(), kept = el("div", {class: "kept"});
  const go = el("button", {type: "button", class: "primary", onclick: async () => {
    go.disabled = true;
    wrong.textContent = "";
    const answer = await call(`${API}/export`, {name: name.value.trim(), filter: wanted, test_percent: Number(percent.value)});
    go.disabled = false;
    if (!answer.ok) { wrong.textContent = answer.error; return; }
    await list();
    wrong.textContent = t("review.exported", {name: answer.name});
  }}, t("review.export_go"));
  dialog(t("review.export"), el("p", {class: "dim"}, t("review.export_help")),
    el("label", {class: "field"}, t("review.export_name"), name),
    el("label", {class: "field"}, t("review.export_percent"), percent),
    wrong, el("footer", {}, go), kept);
  const list = async () => {
    const answer = await call(`${API}/datasets`);
    if (answer.ok) kept.replaceChildren(...answer.datasets.map(dataset));
  };
  await list();
}

function dataset({name, made_at, counts}) {
  const number = (n) => n.toLocaleString(lang);
  const lines = [t("review.count_train", {n: number(counts.train_good)}),
    ...Object.entries(counts.test).map(([kind, n]) =>
      t(kind === "good" ? "review.count_test_good" : "review.count_test", {n: number(n), kind: defectName(kind)})),
    t("review.count_masks", {n: number(counts.masks)}),
    ...Object.entries(counts.left_out).map(([why, n]) => t(`review.left_${why}`, {n: number(n)}))];
  return el("section", {class: "dataset", data: {name}}, el("h3", {}, name, " ", el("small", {}, dateTime(made_at))),
    el("ul", {}, ...lines.map((line) => el("li", {}, line))));
}

/** Show how far each two people agree. */
export async function showAgreement() {
  const answer = await call(`${API}/agreement`);
  if (!answer.ok) { toast(answer.error, "bad"); return; }
  const percent = (value) => `${(100 * value).toLocaleString(lang, {maximumFractionDigits: 1})} %`;
  const kappa = (value) => value === null ? "–" : value.toLocaleString(lang, {minimumFractionDigits: 2, maximumFractionDigits: 2});
  const heads = ["people", "parts", "agreed", "kappa"].map((name) => el("th", {}, t(`review.agree_${name}`)));
  const rows = answer.pairs.map(({people, parts, agreed, kappa: k}) =>
    el("tr", {}, el("td", {}, people.join(" – ")), el("td", {}, parts.toLocaleString(lang)), el("td", {}, percent(agreed)), el("td", {}, kappa(k))));
  dialog(t("review.agreement"), el("p", {class: "dim"}, t("review.agreement_help")),
    rows.length ? el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)) :
      el("p", {}, t("review.agreement_none")));
}

/** Show why a part scored as it did: the page the server made of it, in which nothing runs. */
export async function showWhy(part) {
  const answer = await call(`${API}/why/${part.part_id}`);
  if (!answer.ok) { toast(answer.error, "bad"); return; }
  dialog(t("review.do_why"), el("iframe", {sandbox: "", srcdoc: answer.page, title: t("review.do_why")})).classList.add("why");
}
