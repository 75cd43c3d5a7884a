// Black-and-white PNG files of masks: written here, so that a mask of 4096 px takes milliseconds.

const TABLE = Uint32Array.from({length: 256}, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

/** Write a mask of 0 and 1, one byte a pixel, as PNG with one bit a pixel; gives base64. */
export async function toBase64(mask, width, height) {
  const stride = Math.ceil(width / 8) + 1;
  const rows = new Uint8Array(stride * height);
  for (let y = 0, from = 0; y < height; y++) {
    const to = y * stride + 1;
    for (let x = 0; x < width; x++, from++) if (mask[from]) rows[to + (x >> 3)] |= 0x80 >> (x & 7);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 1;
  const packed = new Uint8Array(await new Response(
    new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());
  const file = new Blob([Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    chunk("IHDR", header), chunk("IDAT", packed), chunk("IEND", new Uint8Array())]);
  return base64(file);
}

/** Read a mask's PNG file from the server; null where there is none, or it has another size. */
export async function fromUrl(url, width, height) {
  const answer = await fetch(url);
  if (answer.status !== 200) return null;
  const bitmap = await createImageBitmap(await answer.blob(), {colorSpaceConversion: "none"});
  if (bitmap.width !== width || bitmap.height !== height) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++) mask[i] = pixels[4 * i] >= 128 ? 1 : 0;
  return mask;
}

function chunk(kind, data) {
  const made = new Uint8Array(data.length + 12);
  const view = new DataView(made.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) made[4 + i] = kind.charCodeAt(i);
  made.set(data, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < made.length - 4; i++) crc = TABLE[(crc ^ made[i]) & 255] ^ (crc >>> 8);
  view.setUint32(made.length - 4, (crc ^ 0xffffffff) >>> 0);
  return made;
}

function base64(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}
