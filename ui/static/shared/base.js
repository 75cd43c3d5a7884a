// What every page shares: words, calls to the server, the live stream, and making elements.
// Nothing puts text into HTML here: bar codes and lot names are untrusted. HTML comes whole from the server, which escapes.

export const me = window.inspection;
export const lang = me.language;

const words = await (await fetch(`/words/${lang}.json`)).json();

/** A text of the catalogue, {name} filled in. An unknown key is shown as it is, so a test sees it. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Ask the server; {ok: true, …} or {ok: false, error}. Never throws for what was refused. */
export async function call(path, body) {
  try {
    const answer = await fetch(path, body === undefined ? {} : {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify(body),
    });
    const found = await answer.json();
    if (answer.ok) return {ok: true, ...found};
    return {...found, ok: false, status: answer.status, error: found.error ?? t("base.refused", {status: answer.status})};
  } catch {
    return {ok: false, error: t("base.no_server")};
  }
}

/** Make an element: el("button", {class: "big", onclick: f}, "text", child, …). Texts stay texts. */
export function el(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(made.dataset, value);
    else if (key === "style") made.style.cssText = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** What HTML of the server is; texts in it were escaped there. */
export function made(html) {
  const template = el("template");
  template.innerHTML = html;
  return template.content;
}

/** Make an SVG element. */
export function svg(name, given = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(given)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const SILENT_MS = 1800, CONNECTING_MS = 5000;

/** Hear what happens at the station. `hear(message)` gets every message; {type: "gone", why} when the
    server or the station is silent. The page must then stop showing a verdict as the present one. */
export function live(hear) {
  let last = performance.now(), patience = CONNECTING_MS, lost = false;
  const gone = (why) => { if (!lost) { lost = true; hear({type: "gone", why}); } };
  const heard = (message) => {
    last = performance.now();
    patience = SILENT_MS;
    if (message.type === "gone") { gone("station"); return; }
    if (message.type === "beat") return;
    if (message.type === "snapshot") lost = message.status === null;
    hear(message);
    if (message.type === "snapshot" && lost) hear({type: "gone", why: "station"});
  };
  let socket;
  const connect = () => {
    last = performance.now();
    patience = CONNECTING_MS;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/live`);
    socket.onmessage = (event) => heard(JSON.parse(event.data));
    socket.onclose = () => { gone("server"); setTimeout(connect, 500); };
  };
  // A server that is silent but holds the line: a new line brings a new snapshot.
  const again = () => { socket.onmessage = socket.onclose = null; socket.close(); connect(); };
  connect();
  setInterval(() => {
    if (performance.now() - last <= patience) return;
    gone("server");
    if (socket.readyState !== WebSocket.CLOSED) again();
  }, 200);
}

const INFO_MS = 4000, BAD_MS = 10_000;

/** Show one line for a moment, in the place the page keeps for it; what went wrong for longer. */
export function toast(text, kind = "info") {
  const line = el("div", {class: `toast ${kind}`, role: "status"}, text);
  toasts().append(line);
  setTimeout(() => line.remove(), kind === "info" ? INFO_MS : BAD_MS);
}

/** The row that words for a moment stand in, so that they cover nothing: the page's own, or one under the line of links. */
function toasts() {
  const there = document.querySelector(".toasts"), bar = document.querySelector(".bar");
  if (there || !bar) return there ?? document.body;
  bar.after(el("div", {class: "toasts"}));
  return bar.nextElementSibling;
}

/** The path of a page this person may open. */
export const pathOf = (name) => me.pages.find((page) => page.name === name).path;
