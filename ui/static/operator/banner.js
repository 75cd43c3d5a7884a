// The verdict in a word, a colour and a shape; never an old one as the present one.
import {el, t} from "/static/shared/base.js";
import {clock, put} from "/static/shared/format.js";
import {sign} from "/static/shared/verdict_signs.js";
import {stopped} from "/static/operator/troubles.js";
import {say} from "/static/shared/reasons.js";

const AGED_MS = 60_000, OLD_MS = 600_000;

/** The banner; its data-verdict, data-seq and data-t say what its word says. */
export function banner() {
  const mark = sign("NO_SIGNAL");
  const word = el("div", {class: "word"}), todo = el("div", {class: "todo"});
  const why = el("div", {class: "why"}), detail = el("div", {class: "detail"});
  const number = el("div", {class: "number"}), at = el("div", {class: "at"}), badge = el("div", {class: "badge"});
  const element = el("header", {class: "banner", role: "status", "aria-live": "assertive"},
    el("div", {class: "frame"}, mark.element,
      el("div", {class: "words"}, word, todo, why, detail),
      el("div", {class: "which"}, number, at, badge)));
  const show = (state) => {
    const seen = present(state);
    if (element.dataset.verdict !== seen.verdict) mark.turn(seen.verdict);
    put(word, t(`operator.verdict_${seen.verdict}`));
    document.title = [word.textContent, state.station].filter(Boolean).join(" · ");
    put(todo, seen.todo);
    put(why, seen.why);
    put(detail, seen.detail ?? "");
    put(number, seen.part ? t("operator.part", {n: seen.part.number}) : "");
    put(at, seen.part ? clock(seen.part.judged_at) : "");
    put(badge, seen.badge ?? "");
    element.classList.toggle("aged", seen.aged === true);
    note(element, seen.verdict, seen.part);
  };
  return {element, show};
}

function note(element, verdict, part) {
  const seq = String(part?.number ?? ""), at = String(part?.decided_ms ?? "");
  if (element.dataset.verdict !== verdict) element.dataset.verdict = verdict;
  if (element.dataset.t !== at) element.dataset.t = at;
  if (element.dataset.seq !== seq) element.dataset.seq = seq;
}

function present(state) {
  if (state.gone) return silent(state);
  if (state.waiting.length > 0) return latched(state);
  const trouble = state.last && state.last.verdict !== "PASS" ? null : stopped(state);
  if (trouble) return idle(trouble);
  if (!state.last) return {verdict: "WAITING", todo: t("operator.do_next"), why: t("operator.why_none")};
  const ageMs = Date.now() - state.skewMs - Date.parse(state.last.judged_at);
  if (ageMs > OLD_MS) return waiting(state.last, ageMs);
  const aged = ageMs > AGED_MS;
  return {verdict: state.last.verdict, part: state.last, ...said(state.last), aged, badge: aged ? ago(ageMs) : ""};
}

/** Nothing is judged now: a PASS of before must not be taken for the next part's. */
function idle({name, values}) {
  return {
    verdict: name === "paused" ? "PAUSED" : "TROUBLE",
    todo: t(`troubles.act_${name}`, values), why: t(`troubles.${name}`, values),
  };
}

function silent(state) {
  const last = state.last ? {n: state.last.number, at: clock(state.last.judged_at)} : null;
  return {
    verdict: "NO_SIGNAL",
    todo: t(`operator.do_gone_${state.gone}`),
    why: t(`operator.why_gone_${state.gone}`),
    detail: last ? t("operator.last_known", last) : "",
  };
}

function latched(state) {
  const part = state.waiting[0];
  const n = state.waitingCount;
  return {
    verdict: "FAIL", part, ...said(part),
    todo: t("operator.do_acknowledge", {n: part.number}),
    badge: t(n === 1 ? "operator.waits_one" : "operator.waits_many", {n}),
  };
}

function waiting(last, ageMs) {
  const verdict = t(`operator.verdict_${last.verdict}`);
  return {
    verdict: "WAITING", todo: t("operator.do_next"),
    why: t("operator.why_old", {n: last.number, verdict, ago: ago(ageMs)}),
  };
}

function ago(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 120) return t("operator.ago_minutes", {n: minutes});
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? t("operator.ago_hours", {n: hours}) : t("operator.ago_days", {n: Math.floor(hours / 24)});
}

let saidOf = null, saidIs = null;

function said(part) {
  if (saidOf !== part) { saidOf = part; saidIs = say(part); }
  return saidIs;
}

/** Forget what was said: the words to say it came later. */
export function forget() { saidOf = null; }
