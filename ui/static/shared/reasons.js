// A part's verdict in one sentence and what to do next, in the language of the browser.
import {has, lang, t} from "/static/shared/base.js";

const WHOLE = new Intl.NumberFormat(lang, {maximumFractionDigits: 0});
const THREE = new Intl.NumberFormat(lang, {minimumSignificantDigits: 3, maximumSignificantDigits: 3});
const HUNDREDTHS = new Intl.NumberFormat(lang, {minimumFractionDigits: 2, maximumFractionDigits: 2});

let reasons = [];

/** Take the patterns of what the station may say (ui/reasons.py). */
export function learnReasons(told) {
  reasons = told.map(({key, do: act, pattern}) => ({key, act, pattern: new RegExp(pattern, "su")}));
}

/** {why, todo, detail}: the sentence, what to do, and the station's own English where no sentence fits. */
export function say(part) {
  if (part.verdict === "CANNOT_INSPECT") return cannot(part.reason);
  if (part.verdict === "PASS") return {why: passed(part), todo: t("operator.do_pass"), detail: ""};
  const act = part.verdict === "FAIL" ? "operator.do_fail" : "operator.do_review";
  return {why: faulty(part), todo: t(act), detail: ""};
}

/** The places at fault, the worst first. */
export const atFault = (part) => part.regions.filter((region) => !region.accepted);

/** Write a score or a limit: three digits that count. */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  return (Math.abs(value) >= 100 ? WHOLE : THREE).format(value);
}

/** Write how large a place is, with its unit. */
export function size(region) {
  if (region.area_mm2 === null) return t("operator.size_px", {n: WHOLE.format(region.area_px)});
  return t("operator.size_mm2", {n: HUNDREDTHS.format(region.area_mm2)});
}

function passed(part) {
  const score = {score: figure(part.score), limit: figure(part.threshold)};
  const n = part.regions.length;
  if (n === 0) return t("operator.why_pass", score);
  return t(n === 1 ? "operator.why_accepted_one" : "operator.why_accepted_many", {n});
}

function faulty(part) {
  const found = atFault(part), worst = found[0];
  if (!worst) return t("operator.why_over", {score: figure(part.score), limit: figure(part.threshold)});
  const count = found.length === 1 ? "one" : "many", where = worst.zone ? "_zone" : "";
  const place = t(`operator.why_${count}${where}`, {n: found.length, zone: worst.zone, size: size(worst)});
  const over = part.verdict === "FAIL" ? "operator.why_over" : "operator.why_just";
  return place + t("operator.between") + t(over, {score: figure(worst.peak_score), limit: figure(part.threshold)});
}

function cannot(text) {
  const found = recognised(text, null) ?? behindView(text);
  if (!found) return {why: t("operator.why_unknown"), todo: t("operator.do_engineer"), detail: text};
  const sentence = t(`reasons.${found.key}`, found.values);
  const why = found.view === null ? sentence : t("operator.of_view", {view: found.view, why: sentence});
  const act = `operator.do_${found.act}`;
  return {why, todo: t(has(act) ? act : "operator.do_engineer"), detail: ""};
}

function behindView(text) {
  const colon = text.indexOf(": ");
  return colon < 0 ? null : recognised(text.slice(colon + 2), text.slice(0, colon));
}

function recognised(text, view) {
  for (const {key, act, pattern} of reasons) {
    const fit = pattern.exec(text);
    if (fit) return {key, act, values: fit.groups ?? {}, view};
  }
  return null;
}
