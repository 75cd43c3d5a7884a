// The clipboard.
import {el} from "/static/shared/base.js";

/** Copy a text; pages that are not on this machine and without TLS have no clipboard of their own. */
export async function copy(text) {
  if (navigator.clipboard) { await navigator.clipboard.writeText(text); return; }
  const area = el("textarea", {style: "position: fixed; opacity: 0"});
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
