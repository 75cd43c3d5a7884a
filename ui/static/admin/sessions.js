// Open sessions: who is signed in where, and a button to end each.
import {call, el, t, toast} from "/static/shared/base.js";
import {raw} from "/static/shared/forms.js";
import {local} from "/static/shared/format.js";

export function sessions() {
  const body = el("tbody");
  const error = el("output", {class: "error", role: "alert"});
  const heads = ["name", "role", "session_since", "session_used", "session_from"].map((key) => el("th", {}, t(`admin.${key}`)));
  const refresh = async () => {
    const found = await call("/api/admin/sessions");
    error.textContent = found.ok ? "" : found.error;
    if (found.ok) body.replaceChildren(...found.sessions.map((each) => row(each, refresh, error)));
  };
  refresh();
  return {
    refresh,
    element: el("div", {class: "panel sessions"}, el("h2", {}, t("admin.sessions")),
      el("table", {}, el("thead", {}, el("tr", {}, ...heads, el("th"))), body), error),
  };
}

function row(each, refresh, error) {
  const mine = each.mine ? el("span", {class: "tag"}, t("admin.session_mine")) : null;
  return el("tr", {data: {session: each.handle}},
    el("td", {}, raw(each.user.name), mine), el("td", {}, t(`login.role_${each.user.role}`)),
    el("td", {}, local(1e3 * each.since_s)), el("td", {}, local(1e3 * each.used_s)), el("td", {}, raw(each.address || "–")),
    el("td", {}, el("div", {class: "acts"}, el("button", {class: "end", onclick: async () => {
      const found = await call("/api/admin/sessions/end", {handle: each.handle});
      if (!found.ok) { error.textContent = found.error; return; }
      if (each.mine) { location.reload(); return; }
      toast(t("admin.session_ended", {name: each.user.name}));
      refresh();
    }}, t("admin.session_end")))));
}
