// Keys and the buttons that show them. A key does what its button does.
import {el, t} from "/static/shared/base.js";

const SHOWN = {ArrowLeft: "←", ArrowRight: "→", Escape: "Esc"};

/** Give a button for an action {key, name, text?, act, on?, kind?}. */
export function button(action) {
  const made = el("button", {type: "button", class: `key ${action.kind ?? ""}`, data: {key: action.key, act: action.name},
    onclick: () => { made.blur(); action.act(); }},
    el("kbd", {}, SHOWN[action.key] ?? action.key.toUpperCase()), el("span", {}, action.text ?? t(`review.do_${action.name}`)));
  // Without focus: or a blank would press the button again.
  made.addEventListener("mousedown", (event) => event.preventDefault());
  if (action.on) made.classList.toggle("on", action.on());
  if (action.off?.()) made.disabled = true;
  return made;
}

/** Give the key of an event as on a Latin keyboard: an input method for Japanese or Korean changes nothing. */
export function pressed(event) {
  const {key, code} = event;
  if (/^[\x21-\x7e]$/.test(key)) return key.toLowerCase();
  if (/^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase();
  if (/^(Digit|Numpad)[0-9]$/.test(code)) return code.at(-1);
  return {BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "+"}[code] ?? key;
}

/** Whether a key belongs to a field a person types in, or to an open dialog. */
export function elsewhere(event) {
  return event.target.closest?.("input, select, textarea, dialog") != null || document.querySelector("dialog[open]") !== null;
}
