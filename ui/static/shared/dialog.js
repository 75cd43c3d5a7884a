// Questions before something is done.
import {el, t} from "/static/shared/base.js";
import {place} from "/static/shared/forms.js";

/** Ask before something is done. `act` gives what the server said; the box closes when it went well. */
export function ask({title, text, button, danger = false, inside = [], fields = {}, act}) {
  const rest = el("output", {class: "error", role: "alert"});
  const yes = el("button", {type: "submit", class: danger ? "danger" : "main"}, button);
  const form = el("form", {method: "dialog", onsubmit: async (event) => {
    event.preventDefault();
    yes.disabled = true;
    yes.textContent = t("base.working");
    const found = await act();
    yes.disabled = false;
    yes.textContent = button;
    place(found, fields, rest);
    if (found.ok) box.close();
  }}, el("h2", {}, title), el("p", {}, text), ...inside, rest,
  el("div", {class: "buttons"},
    el("button", {type: "button", onclick: () => box.close()}, t("admin.cancel")), yes));
  const box = el("dialog", {class: "ask", onclose: () => box.remove()}, form);
  // Within the page, for its looks: the first `main` of the document is Gradio's.
  document.querySelector(".bar").parentElement.append(box);
  box.showModal();
}
