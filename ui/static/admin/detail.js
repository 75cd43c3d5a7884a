// What an entry of the audit record holds, in words: "name: value" each, and the whole as it was written.
import {el, has, t} from "/static/shared/base.js";
import {raw} from "/static/shared/forms.js";
import {moment} from "/static/shared/format.js";

/** These come first; the others follow in the order of the record. */
const FIRST = ["kind", "name", "role", "label", "product", "view"];
/** Below these the names are data, such as settings of a camera or types of defects. */
const DATA = ["settings", "test", "left_out"];
const ALIAS = {good_parts_added: {from: "source"}, parity_checked: {file: "on_disk"},
  pictures_cleared: {pictures: "images"}};
const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const SHARES = ["difference", "tolerance", "false_reject", "review", "promised"];
const HASH_SHOWN = 12, LIST_SHOWN = 8;

const named = (kind) => kind.replace(/[- ]/g, "_");
export const known = (kind) => has(`admin.kind_${named(kind)}`);
export const word = (kind) => known(kind) ? t(`admin.kind_${named(kind)}`) : kind;

/** The details of an entry: in words, and below a fold what the hash covers. */
export function details(deed) {
  const about = deed.kind === "change_failed" ? String(deed.detail.kind) : deed.kind;
  const pairs = filled(deed.detail).map(([name, value]) =>
    el("span", {class: "pair", data: {name}}, dim(label(about, name), ": "), shown(about, name, value)));
  if (!Object.keys(deed.detail).length) return [];
  return [el("div", {class: "pairs"}, ...apart(pairs, " · ")), el("details", {class: "written"},
    el("summary", {}, t("admin.as_written")), el("pre", {translate: "no"}, deed.written))];
}

const dim = (...inside) => el("span", {class: "dim"}, ...inside);

/** What is not empty of an object; what matters most comes first, where the names are ours. */
function filled(object, ours = true) {
  const place = ([name]) => (ours && FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return Object.entries(object).filter(([, value]) => !empty(value)).sort((a, b) => place(a) - place(b));
}

const empty = (value) => value === null || value === "" || (typeof value === "object" && Object.values(value).every(empty));

/** The name that tells best what a value is, where an entry of another kind has another under the same. */
const alias = (about, name) => ALIAS[about]?.[name] ?? name;

function label(about, name) {
  const key = `admin.detail_${alias(about, name)}`;
  return has(key) ? t(key) : raw(name);
}

/** One value; what is nested is given as "name value, name value". */
function shown(about, name, value) {
  if (Array.isArray(value)) return list(about, name, value);
  if (typeof value === "object") {
    const ours = !DATA.includes(name);
    return apart(filled(value, ours).map(([inner, each]) =>
      [dim(ours ? label(about, inner) : raw(inner), " "), nested(about, ours ? inner : "", each)]), ", ");
  }
  const key = wordOf(about, name, value);
  if (key && has(key)) return t(key);
  if (typeof value === "boolean") return t(value ? "admin.is_true" : "admin.is_false");
  if (SHARES.includes(name) && typeof value === "number") return `${Number((100 * value).toFixed(4))} %`;
  if (["since", "until"].includes(name) && !Number.isNaN(Date.parse(value))) return moment(value);
  const text = String(value);
  return HASH.test(text) ? el("span", {translate: "no", title: text}, text.slice(0, HASH_SHOWN)) : raw(text);
}

function list(about, name, values) {
  const given = values.filter((value) => !empty(value)), more = given.length - LIST_SHOWN;
  const between = given.some((value) => typeof value === "object") ? "; " : ", ";
  const begun = apart(given.slice(0, LIST_SHOWN).map((value) => shown(about, name, value)), between);
  return more > 0 ? [...begun, " ", t("admin.and_more", {count: more})] : begun;
}

function nested(about, name, value) {
  const made = shown(about, name, value);
  return typeof value === "object" && !Array.isArray(value) ? ["(", made, ")"].flat() : made;
}

/** The key of the word for a value, where values of this name are of a fixed set. */
function wordOf(about, name, value) {
  const code = named(String(value));
  if (about === "user_role_changed" && (name === "from" || name === "to")) return `login.role_${code}`;
  return {role: `login.role_${code}`, kind: `admin.kind_${code}`, verdict: `admin.verdict_${code}`,
    reason: `acknowledged.${code}`, rule: `admin.rule_${code}`, source: `admin.source_${code}`,
    on_disk: `admin.file_${code}`, effort: `setup.effort_${code}`}[alias(about, name)];
}

function apart(things, between) {
  return things.flatMap((thing, place) => (place ? [between, thing] : [thing]).flat(2));
}
