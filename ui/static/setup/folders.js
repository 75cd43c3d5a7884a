// Folders dropped on the field of good parts: Gradio takes files alone, so it is given the pictures in them.
const PICTURE = /\.(png|jpe?g|bmp|tiff?|webp)$/i;

/** The pictures of an entry; a folder lists at most a hundred entries at a time. */
async function pictures(entry) {
  if (entry.isFile) return PICTURE.test(entry.name) ? [await new Promise((done, no) => entry.file(done, no))] : [];
  const reader = entry.createReader(), list = () => new Promise((done, no) => reader.readEntries(done, no)), found = [];
  for (let some = await list(); some.length > 0; some = await list()) found.push(...some);
  return (await Promise.all(found.map(pictures))).flat();
}

export const start = () => document.addEventListener("drop", async (event) => {
  const entries = [...event.dataTransfer?.items ?? []].map((item) => item.webkitGetAsEntry()).filter(Boolean), {target} = event;
  if (!target.closest?.("#files") || !entries.some((entry) => entry.isDirectory)) return;
  event.preventDefault();
  event.stopPropagation();
  const dataTransfer = new DataTransfer();
  for (const file of (await Promise.all(entries.map(pictures))).flat()) dataTransfer.items.add(file);
  target.dispatchEvent(new DragEvent("drop", {bubbles: true, dataTransfer}));
}, true);
