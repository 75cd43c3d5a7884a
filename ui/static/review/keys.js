// Keys and the buttons that show them. A key does what its button does.
import {el, t} from "/static/shared/base.js";

const SHOWN = {ArrowLeft: "←", ArrowRight: "→", Escape: "Esc"};

/** A button for an action {key, name, text?, act, on?, kind?}. */
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

/** The key of an event as on a Latin keyboard: an input method for Japanese or Korean changes nothing. */
function pressed(event) {
  const {key, code} = event;
  if (/^[\x21-\x7e]$/.test(key)) return key.toLowerCase();
  if (/^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase();
  if (/^(Digit|Numpad)[0-9]$/.test(code)) return code.at(-1);
  return {BracketLeft: "[", BracketRight: "]", Minus: "-", Equal: "+"}[code] ?? key;
}

/** Whether a key belongs to a field a person types in, or to an open dialog. */
function elsewhere(event) {
  return event.target.closest?.("input, select, textarea, dialog") != null || document.querySelector("dialog[open]") !== null;
}

/** Hear the keys: `find(key)` gives the action of a key, `undo()` takes a label back; Ctrl and blank are the painter's. */
export function hearKeys({find, undo, view, painter}) {
  document.addEventListener("keydown", (event) => {
    if (elsewhere(event)) {
      if (event.key === "Escape") event.target.blur?.();
      return;
    }
    const key = pressed(event);
    if (event.ctrlKey || event.metaKey) { control(event, key, {undo, view, painter}); return; }
    if (event.altKey) return;
    if (key === " ") { if (view.painting) { painter.space = true; event.preventDefault(); } return; }
    const action = find(key);
    if (!action) return;
    event.preventDefault();
    // Held down, a key that labels labels one part.
    if (!event.repeat || ["smaller", "larger", "back", "next"].includes(action.name)) if (!action.off?.()) action.act();
  });
  document.addEventListener("keyup", (event) => { if (event.key === " ") painter.space = false; });
}

function control(event, key, {undo, view, painter}) {
  const redo = key === "y" || (key === "z" && event.shiftKey);
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (!view.painting) { if (!redo) undo(); return; }
  if (redo) painter.redo(); else painter.undo();
}
