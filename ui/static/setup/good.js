// The good parts: taken, uploaded, from the record or a dataset; what their number allows to promise.
import {el, t, toast} from "/static/shared/base.js";

const SHOWN = 120, LARGEST = 50 * 2 ** 20, MOST_FILES = 2000;
let here = null;

export const missing = (app) => {
  const n = app.state.good.length;
  return n < 5 ? t("setup.good_missing", {n, more: 5 - n}) : null;
};

export function open(app, place) {
  const gallery = el("div", {class: "gallery"});
  const counter = el("p", {class: "counter", role: "status"});
  const refused = el("ul", {class: "refused"});
  const progress = el("p", {class: "saved", role: "status"});
  here = {gallery, counter, refused, progress, going: true, taking: false, more: SHOWN};
  place.append(el("section", {class: "stage scroll"}, counter, gallery),
    el("aside", {}, el("p", {class: "lead"}, t("setup.good_lead")), taking(app), uploading(app), recorded(app), datasets(app),
      progress, refused));
  draw(app);
  const mine = here;
  return () => { mine.going = false; mine.taking = false; };
}

export const changed = (app) => draw(app);
export const station = (app) => {
  for (const button of document.querySelectorAll("[data-do=take]")) button.disabled = !app.paused;
};

/** A share as the set-up page writes it. */
export const percent = (share) => `${(100 * share).toFixed(share < 0.001 ? 2 : 1)} %`;

/** The promise in words: what n good parts allow, and how many more the wish needs. */
export function promiseText({n, asked, promised, bound, needed}) {
  if (n === 0) return t("setup.promise_none", {asked: percent(asked), needed});
  const now = t("setup.promise_now", {n, promised: percent(promised), bound: percent(bound)});
  return needed ? `${now} ${t("setup.promise_more", {asked: percent(asked), needed})}` : `${now} ${t("setup.promise_met", {asked: percent(asked)})}`;
}

function taking(app) {
  const count = el("input", {type: "number", name: "count", min: 1, max: 500, value: 20});
  const pause = el("input", {type: "number", name: "every", min: 0, max: 60, step: 0.5, value: 0});
  const take = async (n) => {
    if (here.taking) { here.taking = false; return; }
    const mine = here;
    mine.taking = true;
    for (let i = 0, series = ""; i < n && mine.taking; i++) {
      mine.progress.textContent = t("setup.good_taking", {done: i, of: n});
      const answer = await app.post("good/take", {count: n - i, series});
      if (!answer.ok) break;
      ({series} = answer);
      await app.reload();
      if (i + 1 < n) await new Promise((on) => setTimeout(on, 1000 * Number(pause.value)));
    }
    mine.taking = false;
    mine.progress.textContent = "";
  };
  const button = (name, n) => el("button", {class: "go", disabled: !app.paused, data: {do: "take", n: name}, onclick: () => take(n())}, t(`setup.good_${name}`));
  return el("fieldset", {}, el("legend", {}, t("setup.good_take")),
    el("div", {class: "row"}, button("take_one", () => 1), button("take_many", () => Number(count.value)),
      el("button", {data: {do: "stop"}, onclick: () => { here.taking = false; }}, t("setup.good_stop"))),
    el("label", {class: "field"}, t("setup.good_count"), count), el("label", {class: "field"}, t("setup.good_every"), pause, el("span", {}, "s")),
    el("small", {}, t("setup.good_take_note")), el("small", {class: "warn"}, `▲ ${t("setup.good_take_only")}`));
}

function uploading(app) {
  const files = el("input", {type: "file", multiple: true, accept: ".png,.jpg,.jpeg,.bmp,.tif,.tiff,.webp", name: "files"});
  files.onchange = async () => {
    const chosen = [...files.files].slice(0, MOST_FILES), refused = [], mine = here;
    let done = 0;
    for (const file of chosen) {
      mine.progress.textContent = t("setup.good_uploading", {done: ++done, of: chosen.length});
      const answer = file.size > LARGEST ? {ok: false, error: t("setup.good_too_large", {name: file.name, most: LARGEST >> 20})} : await upload(app, file);
      refused.push(...(answer.ok ? answer.refused : [answer.error]));
    }
    files.value = "";
    mine.progress.textContent = "";
    tell(refused);
    await app.reload();
  };
  return el("fieldset", {}, el("legend", {}, t("setup.good_upload")), el("label", {class: "button"}, t("setup.good_choose"), files), el("small", {}, t("setup.good_upload_note", {most: LARGEST >> 20})));
}

async function upload(app, file) {
  const query = new URLSearchParams({...app.which, name: file.name});
  try {
    const headers = {"Content-Type": "application/octet-stream"};
    const answer = await fetch(`/api/engineer/setup/good/upload?${query}`, {method: "POST", headers, body: file});
    const found = await answer.json().catch(() => ({error: t("base.refused", {status: answer.status})}));
    return answer.ok ? {ok: true, ...found} : {ok: false, error: `${file.name}: ${found.error}`};
  } catch {
    return {ok: false, error: `${file.name}: ${t("base.no_server")}`};
  }
}

function recorded(app) {
  const count = el("input", {type: "number", name: "last", min: 1, max: 500, value: 120});
  const lot = el("input", {name: "lot"});
  const since = el("input", {type: "datetime-local", name: "since"}), until = el("input", {type: "datetime-local", name: "until"});
  const moment = (input) => input.value ? new Date(input.value).toISOString() : null;
  return el("fieldset", {}, el("legend", {}, t("setup.good_record")),
    el("label", {class: "field"}, t("setup.good_last"), count), el("label", {class: "field"}, t("setup.lot"), lot),
    el("label", {class: "field"}, t("setup.since"), since), el("label", {class: "field"}, t("setup.until"), until),
    el("button", {data: {do: "from-record"}, onclick: () => add(app, "good/record",
      {count: Number(count.value), lot: lot.value, since: moment(since), until: moment(until)})}, t("setup.good_add_record")),
    el("small", {}, t("setup.good_record_note")));
}

function datasets(app) {
  const names = app.state.datasets;
  if (!names.length) return "";
  const name = el("select", {name: "dataset"}, ...names.map((each) => el("option", {}, each)));
  return el("fieldset", {}, el("legend", {}, t("setup.good_dataset")), el("div", {class: "row"}, name,
    el("button", {data: {do: "from-dataset"}, onclick: () => add(app, "good/dataset", {name: name.value})}, t("setup.good_add"))));
}

async function add(app, path, body) {
  const mine = here, buttons = document.querySelectorAll("[data-do=from-record], [data-do=from-dataset]");
  mine.progress.textContent = t("base.working");
  for (const button of buttons) button.disabled = true;
  const answer = await app.post(path, body);
  mine.progress.textContent = "";
  for (const button of buttons) button.disabled = false;
  if (!answer.ok) return;
  tell(answer.refused);
  toast(t("setup.good_added", {n: answer.added.length}));
  await app.reload();
}

function tell(refused) {
  here.refused.replaceChildren(...refused.map((line) => el("li", {}, line)));
}

function draw(app) {
  const {good, removed, reference, promise} = app.state;
  here.counter.textContent = promiseText(promise);
  here.counter.dataset.n = String(good.length);
  const shown = good.slice(0, here.more).map((name) => el("figure", {data: {name}, class: name === reference ? "reference" : ""},
    el("img", {src: app.url(`thumb/${encodeURIComponent(name)}`), alt: name, loading: "lazy", title: name}),
    el("figcaption", {}, name === reference ? el("b", {}, t("setup.reference"))
      : el("button", {class: "small", data: {do: "reference"}, title: t("setup.make_reference"), onclick: async () => {
        if ((await app.post("reference", {names: [name]})).ok) await app.reload();
      }}, t("setup.make_reference_short")),
    el("button", {class: "small", data: {do: "remove"}, "aria-label": `${t("setup.remove")} ${name}`, title: t("setup.remove"), onclick: () => remove(app, [name])}, "✕"))));
  const more = good.length - here.more;
  here.gallery.replaceChildren(...shown,
    more > 0 ? el("button", {onclick: () => { here.more += SHOWN; draw(app); }}, t("setup.show_more", {n: more})) : "",
    removed.length ? el("button", {data: {do: "restore"}, onclick: async () => {
      if ((await app.post("good/restore", {names: removed.slice(-1)})).ok) await app.reload();
    }}, t("setup.restore", {name: removed.at(-1)})) : "");
}

/** Take good parts out of the draft. */
export async function remove(app, names) {
  const answer = await app.post("good/remove", {names});
  if (answer.ok) await app.reload();
  return answer.ok;
}
