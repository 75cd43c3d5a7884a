// The figures beside the histogram that follow the limit with every move; what they stand in is the server's HTML.
import {t} from "/static/shared/base.js";
import {count, percent, put, short} from "/static/shared/format.js";
import {CANNOT, PASS, REJECT, UNKNOWN} from "/static/analysis/judge.js";

const ROWS = {pass: PASS, reject: REJECT, unknown: UNKNOWN, cannot: CANNOT};

/** Fill in what `judge` found. */
export function fill(place, {at, before, after, toReject, toPass, promise, escapes, overkill}) {
  const texts = {
    "at-value": short(at),
    "to-reject": t("analysis.to_reject", {count: count(toReject)}),
    "to-pass": t("analysis.to_pass", {count: count(toPass)}),
    promise: promise === null ? t("analysis.no_promise")
      : t("analysis.promise", {share: percent(promise.share), bound: percent(promise.bound), n: count(promise.n)}),
    escapes: share("escapes", escapes),
    overkill: share("overkill", overkill),
  };
  for (const [name, code] of Object.entries(ROWS)) {
    texts[`before-${name}`] = count(before[code]);
    texts[`after-${name}`] = count(after[code]);
  }
  for (const [name, text] of Object.entries(texts)) put(place.querySelector(`.${name}`), text);
}

/** From `count` to `most` of `n` labelled parts, with the exact interval. */
function share(name, {n, count: least, most, low, high}) {
  if (n === 0) return t(`analysis.${name}_none`);
  const ends = least === most ? [least] : [least, most];
  return t(`analysis.${name}`, {n: count(n), count: ends.map(count).join("–"), low: percent(low), high: percent(high),
    share: ends.map((each) => percent(each / n)).join(" – ")});
}
