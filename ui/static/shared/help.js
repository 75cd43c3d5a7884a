// What a person can ask at any time: `?` shows the keys of the page, its version and the way to the manual.
import {el, me, t} from "/static/shared/base.js";

/** Whether a key belongs to a field a person types in, or to an open dialog. */
export const elsewhere = ({target}) => target.closest?.("input, select, textarea, dialog") != null || document.querySelector("dialog[open]") !== null;

/** The key of an event as on a Latin keyboard: an input method for Japanese or Korean changes nothing. */
export function pressed(event) {
  const {key, code} = event;
  if (/^[\x21-\x7e]$/.test(key)) return key.toLowerCase();
  if (/^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase();
  if (/^(Digit|Numpad)[0-9]$/.test(code)) return code.at(-1);
  return {BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "+"}[code] ?? key;
}

/** Hear the `?` key, wherever nobody types. */
export function hearHelp() {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=range]), select, textarea, dialog") != null;
    if (event.key !== "?" || typing || document.querySelector("dialog[open]") !== null) return;
    event.preventDefault();
    showHelp();
  });
}

/** Show the keys that stand on the page's buttons now, and what else there is to read. */
export function showHelp() {
  const rows = keysShown().map(([key, what]) => el("tr", {}, el("td", {}, el("kbd", {}, key)), el("td", {}, what)));
  const box = el("dialog", {class: "help", "aria-label": t("base.help"), onclose: () => box.remove()},
    el("h2", {}, t("base.help")),
    rows.length ? el("table", {}, ...rows) : el("p", {}, t("base.help_no_keys")),
    el("p", {}, el("a", {href: "/manual"}, t("base.manual"))),
    el("p", {class: "dim"}, t("base.version", {version: me.version})),
    el("form", {method: "dialog"}, el("button", {}, t("base.close"))));
  document.body.append(box);
  box.showModal();
}

function keysShown() {
  const marks = [...document.querySelectorAll("button kbd")].filter((each) => each.offsetParent !== null);
  const beside = (mark) => [...mark.parentElement.childNodes].filter((node) => node !== mark).map((node) => node.textContent);
  return marks.map((mark) => [mark.textContent, beside(mark).join(" ").trim()]);
}
