// The administrator's page: five parts, one shown at a time; the address tells which (#health).
import {bar, el, t} from "/static/shared/base.js";
import * as audit from "/static/admin/audit.js";
import * as backup from "/static/admin/backup.js";
import * as health from "/static/admin/health.js";
import * as settings from "/static/admin/settings.js";
import * as users from "/static/admin/users.js";

const PARTS = {users, audit, health, backup, settings};

export async function start(element) {
  const tabs = el("div", {class: "tabs", role: "tablist"});
  const place = el("main", {class: "part", id: "admin-part"});
  element.append(bar("admin"), tabs, place);
  let leave = () => {};
  const show = () => {
    const name = location.hash.slice(1) in PARTS ? location.hash.slice(1) : "users";
    leave();
    tabs.replaceChildren(...Object.keys(PARTS).map((each) => tab(each, each === name)));
    place.replaceChildren();
    place.dataset.part = name;
    leave = PARTS[name].show(place) ?? (() => {});
  };
  addEventListener("hashchange", show);
  show();
}

function tab(name, here) {
  return el("a", {href: `#${name}`, role: "tab", class: here ? "here" : "", "aria-selected": String(here)},
    t(`admin.tab_${name}`));
}
