// Users: a row each, changed one question at a time.
import {call, el, t, toast} from "/static/shared/base.js";
import {field, passwordInput, place, raw, reveal} from "/static/shared/forms.js";
import {ask} from "/static/shared/dialog.js";
import {moment} from "/static/shared/format.js";
import {sessions} from "/static/admin/sessions.js";

const ROLES = ["operator", "engineer", "administrator"];
const SHORTEST = 10;
const role = (name) => t(`login.role_${name}`);
const post = (verb, body) => call(`/api/admin/users/${verb}`, body);

export function show(element) {
  const body = el("tbody");
  const error = el("output", {class: "error", role: "alert"});
  const heads = ["name", "role", "added_at", "signed_in_at"].map((key) => el("th", {}, t(`admin.${key}`)));
  const table = el("table", {class: "users"}, el("thead", {}, el("tr", {}, ...heads, el("th"))), body);
  const open = sessions();
  const refresh = async () => {
    open.refresh();
    const found = await call("/api/admin/users");
    error.textContent = found.ok ? "" : found.error;
    if (!found.ok) return;
    const administrators = found.users.filter((user) => user.role === "administrator").length;
    body.replaceChildren(...found.users.map((user) =>
      row(user, user.role === "administrator" && administrators === 1, refresh)));
  };
  element.append(el("div", {class: "split"}, 
    el("div", {class: "wide stack"}, el("div", {class: "panel"}, table, error), open.element), adding(refresh)));
  refresh();
}

function row(user, last, refresh) {
  const menu = el("select", {"aria-label": t("admin.role"), disabled: last, onchange: () => {
    changeRole(user, menu.value, refresh);
    menu.value = user.role;
  }}, ...roles(user.role));
  const you = user.you ? el("span", {class: "tag"}, t("admin.you")) : null;
  return el("tr", {data: {user: user.name}, title: last ? t("admin.last_administrator_hint") : null},
    el("td", {class: "name"}, raw(user.name), you),
    el("td", {}, menu),
    el("td", {}, moment(user.added_at, {seconds: false})),
    el("td", {}, user.signed_in_at ? moment(user.signed_in_at, {seconds: false}) : el("span", {class: "dim"}, t("admin.never"))),
    el("td", {}, el("div", {class: "acts"},
      user.you ? el("a", {class: "button", href: "/account"}, t("admin.account_change"))
        : el("button", {class: "password", onclick: () => setPassword(user, refresh)}, t("admin.set_password")),
      el("button", {class: "badge", onclick: () => setBadge(user, refresh)}, t(user.badge ? "admin.badge_change" : "admin.badge_give")),
      el("button", {class: "sign-out", onclick: () => signOut(user, refresh)}, t("admin.sign_out_everywhere")),
      el("button", {class: "remove", disabled: last, onclick: () => remove(user, refresh)}, t("admin.remove")))));
}

const roles = (chosen) => ROLES.map((name) =>
  el("option", {value: name, selected: name === chosen}, role(name)));

function adding(refresh) {
  const password = passwordInput("password");
  const fields = {
    name: field(t("admin.name"), el("input", {name: "name", autocomplete: "off", maxlength: 64, required: true})),
    role: field(t("admin.role"), el("select", {name: "role"}, ...roles("operator"))),
    password: field(t("admin.password"), password),
  };
  const rest = el("output", {class: "error", role: "alert"});
  const button = el("button", {class: "main"}, t("admin.add"));
  const form = el("form", {class: "panel add", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    const name = fields.name.input.value.trim();
    const found = await post("add", {name, role: fields.role.input.value, password: password.value});
    button.disabled = false;
    place(found, fields, rest);
    if (!found.ok) return;
    form.reset();
    toast(t("admin.added", {name}));
    refresh();
  }}, el("h2", {}, t("admin.add_user")), ...Object.values(fields).map((each) => each.whole),
  el("p", {class: "dim"}, t("admin.password_hint", {shortest: SHORTEST})), reveal(password), rest, button);
  return form;
}

function done(found, user, key, refresh, values = {}) {
  if (!found.ok) return found;
  toast(t(key, {name: user.name, ...values}));
  if (user.you) location.reload(); // one's own session has ended or its rights have changed
  else refresh();
  return found;
}

function changeRole(user, wanted, refresh) {
  const values = {name: user.name, role: role(wanted)};
  ask({
    title: t("admin.change_role"), text: t("admin.change_role_question", values), button: t("admin.change_role"),
    act: async () => done(await post("role", {name: user.name, role: wanted}), user, "admin.role_changed", refresh, values),
  });
}

function setPassword(user, refresh) {
  const input = passwordInput("password");
  const password = field(t("admin.account_new"), input);
  ask({
    title: t("admin.set_password_title", {name: user.name}), text: t("admin.set_password_why", {name: user.name}),
    button: t("admin.set_password"), inside: [password.whole, reveal(input)], fields: {password},
    act: async () => done(await post("password", {name: user.name, password: input.value}), user, "admin.password_set", refresh),
  });
}

function setBadge(user, refresh) {
  const input = passwordInput("code");
  const code = field(t("admin.badge_code"), input);
  ask({
    title: t("admin.badge_title", {name: user.name}), text: t("admin.badge_why"), button: t("admin.badge_save"),
    inside: [code.whole, reveal(input)], fields: {code},
    act: async () => done(await post("badge", {name: user.name, code: input.value}), user,
      input.value ? "admin.badge_saved" : "admin.badge_gone", refresh),
  });
}

function signOut(user, refresh) {
  ask({
    title: t("admin.sign_out_everywhere"), text: t("admin.sign_out_question", {name: user.name}),
    button: t("admin.sign_out_everywhere"),
    act: async () => done(await post("sign_out", {name: user.name}), user, "admin.signed_out", refresh),
  });
}

function remove(user, refresh) {
  ask({
    title: t("admin.remove"), text: t("admin.remove_question", {name: user.name}), button: t("admin.remove"), danger: true,
    act: async () => done(await post("remove", {name: user.name}), user, "admin.removed", refresh),
  });
}
