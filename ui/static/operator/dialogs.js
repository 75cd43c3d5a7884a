// Questions beside the picture of the part: large buttons, a digit for each choice, Escape to leave.
import {el, lang, me, pathOf, t} from "/static/shared/base.js";

const REASONS = {
  FAIL: ["defect", "damage", "dirt", "placement", "trial", "other"],
  REVIEW: ["defect", "dirt", "camera_dirty", "placement", "trial", "other"],
  CANNOT_INSPECT: ["no_part", "camera_dirty", "light", "placement", "trial", "other"],
};
const LANGUAGES = {en: "English", ja: "日本語", ko: "한국어"};

/** Ask for one of some choices; `chosen(value, text, badge)` gets it. `text` asks for a line beside it, `badge` for who it is. */
export function choose({name, title, choices, text = null, badge = false, chosen}) {
  const code = badge && el("input", {type: "password", name: "badge", maxlength: 64, autocomplete: "off",
    placeholder: t("operator.badge"), "aria-label": t("operator.badge")});
  const line = text && el("input", {type: "text", maxlength: 200, placeholder: text, "aria-label": text});
  const take = (value) => {
    if (code && !code.value) { code.focus(); code.classList.add("missing"); return; }
    dialog.close();
    chosen(value, line?.value.trim() ?? "", code ? code.value : "");
  };
  const buttons = choices.map(({value, label, disabled, here}, place) =>
    el("button", {class: here ? "choice here" : "choice", disabled, data: {value}, onclick: () => take(value)},
      el("span", {}, label), place < 9 ? el("kbd", {}, String(place + 1)) : null));
  const dialog = opened(name, title, code || null, line, el("div", {class: "choices"}, ...buttons));
  dialog.addEventListener("keydown", (event) => {
    // A scanner types the code and Enter; the choice is then a digit away.
    if (code && event.target === code) {
      if (event.key === "Enter") { event.preventDefault(); buttons[0].focus(); }
      return;
    }
    if (event.target === line && event.key === "Enter") { event.preventDefault(); take(choices[0].value); return; }
    if (event.target === line || event.ctrlKey || event.altKey || event.metaKey) return;
    const button = /^[1-9]$/.test(event.key) && buttons[Number(event.key) - 1];
    if (button && !button.disabled) { event.preventDefault(); button.click(); }
  });
  (code || buttons.find((button) => !button.disabled))?.focus();
}

/** Ask why a part was rejected. */
export function askReason(part, badge, chosen) {
  choose({
    badge, name: "acknowledge", title: t("operator.ask_reason", {n: part.number}), text: t("operator.comment"), chosen,
    choices: REASONS[part.verdict].map((value) => ({value, label: t(`acknowledged.${value}`)})),
  });
}

/** Ask whether a part is to be sent to review. */
export function askDisagree(part, badge, chosen) {
  const verdict = t(`operator.verdict_${part.verdict}`);
  choose({
    name: "disagree", title: t("operator.ask_disagree", {n: part.number, verdict}), text: t("operator.comment"),
    badge, chosen: (_, text, code) => chosen(text, code),
    choices: [{value: "yes", label: t("operator.send_to_review")}],
  });
}

/** Ask whether inspecting is to pause: parts that come meanwhile are rejected. */
export function askPause(chosen) {
  choose({name: "pause", title: t("operator.ask_pause"), choices: [{value: "yes", label: t("operator.pause_now")}], chosen});
}

/** Ask for the product. */
export function askProduct(products, now, chosen) {
  choose({
    name: "product", title: t("operator.ask_product"), chosen,
    choices: products.map((value) => ({value, label: value, here: value === now, disabled: value === now})),
  });
}

/** Show what is not needed every day: product, language, signing in, the workbench, full screen. */
export function menu({product, mayChange}) {
  const signed = !(me.role === "operator" && me.user === "operator");
  const dialog = opened("menu", t("operator.menu"), el("div", {class: "choices"},
    el("button", {class: "choice", disabled: !mayChange, data: {value: "product"}, onclick: () => { dialog.close(); product(); }},
      el("span", {}, t(mayChange ? "operator.change_product" : "operator.product_locked")), el("kbd", {}, "C")),
    me.role === "operator" ? null : el("a", {class: "choice", href: pathOf("review")}, t("operator.workbench")),
    signed ? form("/logout", {}, t("operator.sign_out", {name: me.user})) : el("a", {class: "choice", href: "/login?next=/"}, t("operator.sign_in")),
    el("button", {class: "choice", onclick: () => { dialog.close(); fullScreen(); }}, t("operator.full_screen")),
    ...Object.entries(LANGUAGES).map(([code, name]) =>
      form("/language", {next: location.pathname, language: code}, name, code === lang))));
  dialog.querySelector(".choice:not([disabled])").focus();
}

/** Show something to be read, and left again. */
export function tell(name, title, inside) {
  opened(name, title, inside).querySelector(".leave").focus();
}

const fullScreen = () =>
  document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.().catch(() => {});

function form(action, hidden, label, here = false) {
  return el("form", {method: "post", action},
    ...Object.entries(hidden).map(([name, value]) => el("input", {type: "hidden", name, value})),
    el("button", {class: here ? "choice here" : "choice", data: {value: hidden.language}}, label));
}

function opened(name, title, ...inside) {
  const before = document.activeElement;
  const dialog = el("dialog", {class: "ask", data: {ask: name}, "aria-label": title, tabindex: -1},
    el("h2", {}, title),
    el("button", {class: "leave", onclick: () => dialog.close()}, el("span", {}, t("operator.leave")), el("kbd", {}, "Esc")), ...inside);
  dialog.addEventListener("close", () => { dialog.remove(); if (!hold()) before.focus(); });
  dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") dialog.close(); });
  dialog.addEventListener("focusout", ({relatedTarget}) => { if (!relatedTarget) setTimeout(() => dialog.focus()); });
  document.querySelector(".operator .middle").append(dialog);
  dialog.show();
  hold();
  document.querySelector(".operator").scrollTop = 0;
  return dialog;
}

/** While something is asked, nothing else on the page is pressed; the banner goes on. Says whether something is. */
function hold() {
  const asked = document.querySelector(".operator dialog") !== null;
  for (const each of document.querySelectorAll(".operator :is(.live, .last, .actions)")) each.inert = asked;
  return asked;
}
