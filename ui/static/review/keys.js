// Keys of a page. What each does is its button's; Ctrl and blank are the painter's.

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

/** Hear the keys: `press({key, repeat})` says whether a key does anything, `undo()` takes a label back. */
export function hearKeys(root, press, {undo, view, painter}) {
  document.addEventListener("keydown", (event) => {
    if (elsewhere(event)) {
      if (event.key === "Escape") event.target.blur?.();
      return;
    }
    const key = pressed(event);
    if (event.ctrlKey || event.metaKey) { control(event, key, {undo, view, painter}); return; }
    if (event.altKey) return;
    if (key === " ") { if (view.painting) { painter.space = true; event.preventDefault(); } return; }
    if (press({key, repeat: event.repeat})) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => { if (event.key === " ") painter.space = false; });
  // Without focus: or a blank would press the button again.
  root.addEventListener("mousedown", (event) => { if (event.target.closest(".key")) event.preventDefault(); });
}

function control(event, key, {undo, view, painter}) {
  const redo = key === "y" || (key === "z" && event.shiftKey);
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (!view.painting) { if (!redo) undo(); return; }
  if (redo) painter.redo(); else painter.undo();
}
