// Stored parts judged again at another threshold: typed arrays and no DOM.
// What can be known of a part, by its kind, is told in ui/pages/analysis/threshold.py and docs/analysis.md.

export const PASS = 0, REJECT = 1, UNKNOWN = 2, CANNOT = 3;
export const KIND = {SCORE: 0, MAY_ALLOW: 1, ALLOWED: 2, REFUSED: 3, SEVERAL: 4, CANNOT: 5};
export const TRUTH = {NOTHING: 0, OK: 1, NG: 2};

/** Numbers of base64: little-endian, as every machine a browser runs on. */
export function floats(text) { return new Float64Array(bytes(text).buffer); }

export function bytes(text) {
  const raw = atob(text), made = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) made[i] = raw.charCodeAt(i);
  return made;
}

/** Make typed arrays of what the server sent; newest part first. */
export function unpack(found) {
  const passed = found.verdicts.indexOf("PASS"), size = found.parts;
  const interval = ({n, low, high}) => ({n, low: floats(low), high: floats(high)});
  return {
    size, threshold: found.threshold,
    number: floats(found.number), score: floats(found.score),
    kind: bytes(found.kind), truth: bytes(found.truth),
    passed: bytes(found.verdict).map((code) => (code === passed ? 1 : 0)),
    outcome: new Uint8Array(size),
    promise: found.promise && {n: found.promise.n_good, scores: floats(found.promise.scores),
      share: floats(found.promise.share), bound: floats(found.promise.bound)},
    intervals: {ok: interval(found.intervals.ok), ng: interval(found.intervals.ng)},
  };
}

/** Tell what becomes of one part at a threshold. */
export function outcomeOf(kind, score, passed, own, at) {
  if (kind === KIND.CANNOT) return CANNOT;
  if (at === own) return passed ? PASS : REJECT;
  if (score <= at) return kind === KIND.SEVERAL ? UNKNOWN : PASS;
  if (kind === KIND.SCORE || kind === KIND.SEVERAL) return REJECT;
  if (kind === KIND.REFUSED) return at < own ? REJECT : UNKNOWN;
  return UNKNOWN;
}

/** Judge all parts again; what becomes of each stays in `parts.outcome`. */
export function judge(parts, at) {
  const {size, kind, score, passed, truth, outcome, threshold} = parts;
  const before = [0, 0, 0, 0], after = [0, 0, 0, 0];
  let toReject = 0, toPass = 0;
  const ng = [0, 0, 0, 0], ok = [0, 0, 0, 0];
  for (let i = 0; i < size; i++) {
    const now = outcomeOf(kind[i], score[i], passed[i], threshold, at);
    outcome[i] = now;
    after[now]++;
    before[now === CANNOT ? CANNOT : passed[i] ? PASS : REJECT]++;
    if (now === REJECT && passed[i]) toReject++;
    else if (now === PASS && !passed[i]) toPass++;
    if (truth[i] === TRUTH.NG) ng[now]++;
    else if (truth[i] === TRUTH.OK) ok[now]++;
  }
  return {
    at, before, after, toReject, toPass, promise: promised(parts.promise, at),
    escapes: labelled(parts.intervals.ng, ng[PASS], ng[UNKNOWN]),
    overkill: labelled(parts.intervals.ok, ok[REJECT], ok[UNKNOWN]),
  };
}

/** What the recipe's good scores promise of good parts to come: mean share, and its 95 % bound. */
export function promised(promise, at) {
  if (!promise) return null;
  let low = 0, high = promise.scores.length; // ascending: find the first above `at`
  while (low < high) {
    const middle = (low + high) >> 1;
    if (promise.scores[middle] <= at) low = middle + 1; else high = middle;
  }
  const above = promise.scores.length - low;
  return {n: promise.n, share: promise.share[above], bound: promise.bound[above]};
}

/** From `count` to `count + unknown` of n, with the exact interval that holds both ends. */
const labelled = ({n, low, high}, count, unknown) => ({n, count, most: count + unknown, low: low[count], high: high[count + unknown]});

/** The numbers of up to `most` parts of the list wanted, the highest score first. */
export function listed(parts, wanted, most) {
  const found = [];
  for (let i = 0; i < parts.size; i++) {
    const now = parts.outcome[i];
    const flips = (now === REJECT && parts.passed[i]) || (now === PASS && !parts.passed[i]);
    if (wanted === "flips" ? flips : now === UNKNOWN) found.push(i);
  }
  found.sort((a, b) => parts.score[b] - parts.score[a] || parts.number[b] - parts.number[a]);
  return found.slice(0, most).map((i) => parts.number[i]);
}
