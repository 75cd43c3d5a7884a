// How numbers, times and spans are written on every page, in the language of the browser.
import {el, lang, t} from "/static/shared/base.js";

const LOCAL = new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "medium"});
const MINUTES = new Intl.DateTimeFormat(lang, {dateStyle: "medium", timeStyle: "short"});
const CLOCK = new Intl.DateTimeFormat("sv-SE", {timeStyle: "medium"});

/** A moment in local time; UTC when the mouse rests on it. */
export function moment(iso, {seconds = true} = {}) {
  if (iso === null || iso === undefined) return el("span", {class: "dim"}, t("admin.not_known"));
  const at = new Date(iso);
  return el("time", {datetime: at.toISOString(), title: at.toISOString()}, (seconds ? LOCAL : MINUTES).format(at));
}

export const local = (ms) => LOCAL.format(new Date(ms));

/** A span of time in words, two units at most. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [d, h, min, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  if (d) return t("admin.duration_d", {d, h});
  if (h) return t("admin.duration_h", {h, min});
  return min ? t("admin.duration_min", {min, s}) : t("admin.duration_s", {s});
}

/** How far a recipe's references are from what they scored when it was learnt. */
export const parity = (each) => t("admin.parity_of",
  {difference: (100 * each.difference).toFixed(4), tolerance: 100 * each.tolerance});

/** A number with four digits that count. */
export function short(value) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

export const count = (value) => value.toLocaleString(lang);
export const percent = (share, digits = 3) => `${Number((100 * share).toPrecision(digits))} %`;

/** A moment of a chart: as much of date and time as its axis has room for. */
export function when(ms, {date = true, time = true, year = false} = {}) {
  const wanted = {hour12: false};
  if (year) Object.assign(wanted, {year: "numeric", second: "2-digit"});
  if (date) Object.assign(wanted, {month: "short", day: "numeric"});
  if (time) Object.assign(wanted, {hour: "2-digit", minute: "2-digit"});
  return new Date(ms).toLocaleString(lang, wanted);
}

/** The day and the time of a moment, short. */
export const dateTime = (iso) => new Date(iso).toLocaleString(lang, {dateStyle: "short", timeStyle: "medium"});

/** The time of day of a moment, as this browser's clock has it. */
export function clock(iso) {
  return CLOCK.format(new Date(iso));
}

/** Set a text where it changed. */
export function put(element, text) {
  if (element.firstChild === null ? text !== "" : element.firstChild.data !== text) element.textContent = text;
}
