// How numbers and times are written on every page.
import {lang} from "/static/shared/base.js";

// Sweden writes 2026-11-30 11:52:02, as reports and tables do in every language.
const SECONDS = new Intl.DateTimeFormat("sv-SE", {dateStyle: "short", timeStyle: "medium"});
const MINUTES = new Intl.DateTimeFormat("sv-SE", {dateStyle: "short", timeStyle: "short"});
const CLOCK = new Intl.DateTimeFormat("sv-SE", {timeStyle: "medium"});

/** A moment in local time, as every page writes it: 2026-11-30 11:52, with seconds where they matter. */
export const dateTime = (at, {seconds = false} = {}) => (seconds ? SECONDS : MINUTES).format(new Date(at));

/** A number with four digits that count. */
export function short(value) {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

export const count = (value) => value.toLocaleString(lang);
export const percent = (share, digits = 3) => `${Number((100 * share).toPrecision(digits))} %`;

/** A moment of a chart: as much of date and time as its axis has room for. */
export function when(at, {date = true, time = true} = {}) {
  const whole = dateTime(at), [day, minute] = whole.split(" ");
  return date && time ? whole : date ? day : minute;
}

/** The time of day of a moment, as this browser's clock has it. */
export const clock = (iso) => CLOCK.format(new Date(iso));

/** Set a text where it changed. */
export function put(element, text) {
  if (element.firstChild === null ? text !== "" : element.firstChild.data !== text) element.textContent = text;
}
