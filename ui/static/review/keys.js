// Keys of a page. What each does is its button's; blank is the painter's.

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

/** Hear the keys: `press(key, repeat)` says whether a key does anything. Ctrl+Z is the key U, Ctrl+Y the key Y. */
export function hearKeys(root, press, {view, painter}) {
  document.addEventListener("keydown", (event) => {
    if (elsewhere(event)) {
      if (event.key === "Escape") event.target.blur?.();
      return;
    }
    const plain = pressed(event);
    const key = event.ctrlKey || event.metaKey ? {z: event.shiftKey ? "y" : "u", y: "y"}[plain] : plain;
    if (event.altKey || !key) return;
    if (key === " ") { if (view.painting) { painter.space = true; event.preventDefault(); } return; }
    if (press(key, event.repeat)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => { if (event.key === " ") painter.space = false; });
  // Without focus: or a blank would press the button again.
  root.addEventListener("mousedown", (event) => { if (event.target.closest(".key")) event.preventDefault(); });
}
