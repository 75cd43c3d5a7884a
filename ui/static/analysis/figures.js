// Escapes and overkill in words, as the station counted them.
import {t} from "/static/shared/base.js";
import {count, percent} from "/static/shared/format.js";

/** From `count` to `most` of `n` labelled parts, with the exact interval. */
export function share(name, {n, count: least, most, ci95: [low, high]}) {
  if (n === 0) return t(`analysis.${name}_none`);
  const one = least === most;
  return t(`analysis.${name}`, {n: count(n), count: one ? count(least) : `${count(least)}–${count(most)}`, low: percent(low), high: percent(high),
    share: one ? percent(least / n) : `${percent(least / n)} – ${percent(most / n)}`});
}
