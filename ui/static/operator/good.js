// The good part to compare the part in the picture with: looked up beside the picture, which never waits for it.
import {call} from "/static/shared/base.js";

/** Looks them up; `show(part, example)` gets {image, kind, number, to_part}, or null where there is none. */
export function goodPart(show) {
  const image = new Image();
  let wanted = null, busy = false;
  async function beside(part) {
    wanted = part;
    if (busy) return;
    busy = true;
    while (wanted) {
      const one = wanted;
      wanted = null;
      const found = await call(`/api/operator/good/${one.part_id}`);
      const there = found.ok && found.picture && await loaded(image, found.picture);
      show(one, there ? {...found, image} : null);
    }
    busy = false;
  }
  return {beside};
}

/** Load a picture into an image element; whether it is there. */
export async function loaded(image, address) {
  if (image.getAttribute("src") !== address || !image.naturalWidth) image.src = address;
  try { await image.decode(); return true; } catch { return false; }
}
