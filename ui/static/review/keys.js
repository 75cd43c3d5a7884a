// Keys of a page. What each does is its button's; blank is the painter's.
import {elsewhere, pressed} from "/static/shared/help.js";

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
