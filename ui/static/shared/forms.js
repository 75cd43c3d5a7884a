// Forms: fields with their errors, and passwords.
import {el, t} from "/static/shared/base.js";

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
