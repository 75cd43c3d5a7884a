// What the parts of the administrator's page share: times, questions, errors at a field.
import {el, lang, t} from "/static/shared/base.js";

const LOCAL = new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "medium"});

const MINUTES = new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "short"});

/** A moment in local time; UTC when the mouse rests on it. */
export function moment(iso, {seconds = true} = {}) {
  if (iso === null || iso === undefined) return el("span", {class: "dim"}, t("admin.not_known"));
  const at = new Date(iso);
  return el("time", {datetime: at.toISOString(), title: at.toISOString()}, (seconds ? LOCAL : MINUTES).format(at));
}

export const local = (ms) => LOCAL.format(new Date(ms));

/** A span of time in words, two units at most. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [d, h, min, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  if (d) return t("admin.duration_d", {d, h});
  if (h) return t("admin.duration_h", {h, min});
  return min ? t("admin.duration_min", {min, s}) : t("admin.duration_s", {s});
}

/** A text that is not of the catalogue: a name, an id, what the program says in English. */
export const raw = (text) => el("span", {translate: "no"}, String(text));

/** How far a recipe's references are from what they scored when it was learnt. */
export const share = (each) => t("admin.parity_of",
  {difference: (100 * each.difference).toFixed(4), tolerance: 100 * each.tolerance});

/** An input under its label, with room for one line of what is wrong with it. */
export function field(label, input) {
  const error = el("output", {class: "error", role: "alert"});
  const whole = el("label", {class: "field"}, el("span", {}, label), input, error);
  return {whole, input, wrong: (text = "") => {
    error.textContent = text;
    whole.classList.toggle("bad", Boolean(text));
  }};
}

/** An input for a new password that can be looked at while typing. */
export function passwordInput(name, fill = "new-password") {
  return el("input", {type: "password", name, autocomplete: fill, maxlength: 256, required: true});
}

/** A box that lets the passwords of a form be read. */
export function reveal(...inputs) {
  const box = el("input", {type: "checkbox", onchange: () => {
    for (const input of inputs) input.type = box.checked ? "text" : "password";
  }});
  return el("label", {class: "reveal"}, box, t("admin.show_password"));
}

/** Put an error at its field, or below the form when it has none. */
export function place(found, fields, rest) {
  for (const each of Object.values(fields)) each.wrong();
  rest.textContent = "";
  if (found.ok) return;
  const at = fields[found.field];
  if (at) { at.wrong(found.error); at.input.focus(); } else rest.textContent = found.error;
}

/** Ask before something is done. `act` gives what the server said; the box closes when it went well. */
export function ask({title, text, button, danger = false, inside = [], fields = {}, act}) {
  const rest = el("output", {class: "error", role: "alert"});
  const yes = el("button", {type: "submit", class: danger ? "danger" : "main"}, button);
  const form = el("form", {method: "dialog", onsubmit: async (event) => {
    event.preventDefault();
    yes.disabled = true;
    const found = await act();
    yes.disabled = false;
    place(found, fields, rest);
    if (found.ok) box.close();
  }}, el("h2", {}, title), el("p", {}, text), ...inside, rest,
  el("div", {class: "buttons"},
    el("button", {type: "button", onclick: () => box.close()}, t("admin.cancel")), yes));
  const box = el("dialog", {class: "ask", onclose: () => box.remove()}, form);
  document.querySelector(".admin, .account").append(box);
  box.showModal();
}

/** Save a text as a file of this browser. */
export function download(name, text, kind) {
  const address = URL.createObjectURL(new Blob([text], {type: kind}));
  el("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

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

/** Follow an errand of the server until it ends; `told` hears each answer. Gives a way to stop. */
export function follow(get, told) {
  let over = false;
  const look = async () => {
    const found = await get();
    if (over) return;
    told(found);
    if (found.ok && found.running) setTimeout(look, 500);
  };
  look();
  return () => { over = true; };
}
