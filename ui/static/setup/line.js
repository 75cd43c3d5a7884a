// Putting a recipe on the line, and going back to an earlier one.
import {el, t, toast} from "/static/shared/base.js";
import {confirmed} from "/static/shared/dialog.js";
import {dateTime} from "/static/shared/format.js";

let here = null;

const fresh = (app) => app.state.training?.state === "done" ? app.state.training.recipe_id : null;

export const missing = (app) => {
  const made = fresh(app);
  if (made === null) return app.state.line.recipe_id === null ? t("setup.line_none") : null;
  return made === app.state.line.recipe_id ? null : t("setup.line_not_yet");
};

export function open(app, place) {
  here = {place, working: false};
  changed(app);
}

export function changed(app) {
  const {line, training, product, view} = app.state, made = fresh(app);
  const when = (at) => at === null ? t("setup.line_before") : dateTime(at);
  const on = made !== null && made === line.recipe_id;
  const put = async (body) => {
    if (here.working) return;
    here.working = true;
    const warning = body.job ? await escaping(app) : "";
    const agreed = await confirmed(t("setup.line_ask", {names: line.used_by.join(", ")}), t("setup.line_put"), warning);
    const answer = agreed ? await app.post("line", body) : null;
    here.working = false;
    if (answer?.ok) toast(t("setup.line_done", {id: answer.recipe_id.slice(0, 12)}));
    if (agreed) await app.reload();
  };
  here.place.replaceChildren(
    el("section", {class: "stage scroll line"},
      el("h3", {}, t("setup.line_now")),
      el("p", {class: "big", data: {recipe: line.recipe_id ?? ""}}, line.recipe_id?.slice(0, 12) ?? "—"),
      el("p", {class: "dim"}, t("setup.line_used", {file: line.file, names: line.used_by.join(", ")})),
      el("h3", {}, t("setup.line_history")),
      el("table", {}, el("thead", {}, el("tr", {}, ...["recipe", "when", "who"].map((name) => el("th", {}, t(`setup.${name}`))), el("th", {}))),
        el("tbody", {}, ...line.history.map((row) => el("tr", {data: {id: row.id}, class: row.id === line.recipe_id ? "here" : ""},
          el("td", {}, el("code", {}, row.id.slice(0, 12))), el("td", {}, when(row.at)), el("td", {}, row.who ?? "—"),
          el("td", {}, row.id === line.recipe_id ? el("b", {}, t("setup.line_here")) : row.kept
            ? el("button", {data: {do: "go-back"}, onclick: () => put({recipe_id: row.id})}, t("setup.line_back")) : t("setup.line_not_kept"))))))),
    el("aside", {}, el("p", {class: "lead"}, t("setup.line_lead")),
      made === null ? el("p", {}, t("setup.result_missing")) : el("p", {}, t("setup.line_new", {id: made.slice(0, 12), n: training.n_good})),
      on ? el("p", {class: "ok"}, `✓ ${t("setup.line_is_on")}`) : "",
      ...unreleased(app),
      app.paused ? el("p", {class: "warn"}, `▲ ${t("setup.line_paused")}`) : "",
      el("button", {class: "go huge", data: {do: "put-on-line"}, disabled: made === null || on, onclick: () => put({job: training.id})}, t("setup.line_put"))));
}

/** A recipe that came on the line by another way than this page, to be confirmed. */
function unreleased(app) {
  const {product, view} = app.state;
  const found = (app.status?.recipes_changed ?? []).find((each) => each.product === product && each.view === view);
  if (!found) return [];
  const id = found.recipe_id.slice(0, 12);
  const confirm = async () => {
    if (!await confirmed(t("setup.line_confirm_ask", {id}), t("setup.line_confirm"))) return;
    const answer = await app.post("confirm", {recipe_id: found.recipe_id});
    if (answer?.ok) toast(t("setup.line_confirmed", {id}));
    await app.reload();
  };
  return [
    el("p", {class: "warn", data: {changed: found.recipe_id}}, `▲ ${t("setup.line_changed", {id, released: found.released?.slice(0, 12) ?? "—"})}`),
    found.withheld ? el("p", {class: "warn"}, t("setup.line_withheld")) : "",
    el("button", {class: "go", data: {do: "confirm-recipe"}, onclick: confirm}, t("setup.line_confirm")),
  ];
}

/** Say how many parts labelled NG the trained recipe would let pass; nothing where it lets none pass. */
async function escaping(app) {
  const {training, trial} = app.state;
  const tried = trial?.state === "done" ? await app.get(`tried/${training.id}`) : {ok: false};
  if (!tried.ok || !tried.parts.length) return t("setup.line_untried");
  const {count, of} = tried.labelled.recipe.escapes;
  return count ? t("setup.line_escapes", {n: count, of}) : "";
}

export const station = changed;
