// Everybody's own page: changing the password.
import {call, el, me, t} from "/static/shared/base.js";
import {bar} from "/static/shared/bar.js";
import {field, passwordInput, place, reveal} from "/static/shared/forms.js";

export async function start(element) {
  element.append(bar("account"), el("main", {class: "part"}, el("h1", {}, t("admin.account_title")), changing()));
}

function changing() {
  const [current, wanted, again] = ["current", "password", "again"].map((name) =>
    passwordInput(name, name === "current" ? "current-password" : "new-password"));
  const fields = {
    current: field(t("admin.account_current"), current),
    password: field(t("admin.account_new"), wanted),
    again: field(t("admin.account_again"), again),
  };
  const rest = el("output", {class: "error", role: "alert"});
  const button = el("button", {class: "main"}, t("admin.account_change"));
  const form = el("form", {class: "panel add", onsubmit: async (event) => {
    event.preventDefault();
    if (wanted.value !== again.value) {
      place({ok: false, field: "again", error: t("login.passwords_differ")}, fields, rest);
      return;
    }
    button.disabled = true;
    const found = await call("/api/operator/account/password", {current: current.value, password: wanted.value});
    button.disabled = false;
    place(found, fields, rest);
    if (!found.ok) return;
    form.replaceChildren(el("p", {class: "done", role: "status"}, t("admin.account_done")),
      el("a", {class: "button main", href: "/login?next=/account"}, t("base.sign_in")));
  }}, el("p", {class: "who-am-i"}, t("admin.account_user", {name: me.user, role: t(`login.role_${me.role}`)})),
  ...Object.values(fields).map((each) => each.whole),
  el("p", {class: "dim"}, t("admin.password_hint")), reveal(current, wanted, again),
  el("p", {class: "dim"}, t("admin.account_why")), rest, button);
  return form;
}
