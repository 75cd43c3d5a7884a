// A part's verdict in one sentence and what to do next, in the language of the browser.
import {lang, t} from "/static/shared/base.js";

const WHOLE = new Intl.NumberFormat(lang, {maximumFractionDigits: 0});
const THREE = new Intl.NumberFormat(lang, {minimumSignificantDigits: 3, maximumSignificantDigits: 3});
const TWO = new Intl.NumberFormat(lang, {maximumSignificantDigits: 2}), ONE = new Intl.NumberFormat(lang, {maximumSignificantDigits: 1});

/** {why, todo, detail}: the sentence, what to do, and the English text of an old record that has no code. */
export function say(part) {
  const {code, key, do: act, values, view} = part.cause;
  const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, written(value)]));
  const sentence = t(`reasons.${key}`, {...numbers, ...("score" in values ? apart(values) : {})});
  return {
    why: view === null ? sentence : t("operator.of_view", {view, why: sentence}),
    todo: t(`operator.do_${act}`),
    detail: code === "other" ? values.text : "",
  };
}

const written = (value) => (typeof value !== "number" ? value : Number.isInteger(value) ? WHOLE.format(value) : figure(value));

/** The places at fault, the worst first. */
export const atFault = (part) => part.regions.filter((region) => !region.accepted);

/** Write a score or a limit: three digits that count. */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  return (Math.abs(value) >= 100 ? WHOLE : THREE).format(value);
}

/** Write a score and its limit, {score, limit}: by as many digits as tell them apart. */
export function apart({score, limit}) {
  let digits = 3, one = figure(score), other = figure(limit);
  while (one === other && score !== limit && digits < 9) {
    const more = new Intl.NumberFormat(lang, {minimumSignificantDigits: ++digits, maximumSignificantDigits: digits});
    [one, other] = [more.format(score), more.format(limit)];
  }
  return {score: one, limit: other};
}

/** Write how large a place is, with its unit and no more digits than its edge is known by. */
export function size(region) {
  if (region.area_mm2 === null) return t("operator.size_px", {n: TWO.format(region.area_px)});
  return t("operator.size_mm2", {n: (region.area_mm2 < 1 ? ONE : TWO).format(region.area_mm2)});
}
