"""What each method of `inspection monitor` finds on simulated lines with seeded events, and how soon.

    python benchmarks/sequences.py [--lines 10] [--learn 1000] [--false-alarms 1] [--methods ewma cusum …]

A line is six numbers a part: correlated, autocorrelated, with two shifts and four cavities of their own
levels. Every method alone is given the same budget of false alarms per 1,000 parts; `all` shares it.
An event is found when something is raised while it lasts; what is raised on lines without an event is
a false alarm.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from models.sequence import CHARTS, method_names
from models.sequence.base import CYCLE_TIME, PartStream
from models.sequence.watch import Watch, learn

NAMES = ("score", "brightness", "contrast", "sharpness", "offset_px", CYCLE_TIME)
SCALES = np.array([0.15, 2.0, 1.5, 0.8, 0.4, 0.05])
LEVELS = np.array([1.8, 120.0, 40.0, 12.0, 1.5, 2.0])
BEGIN, LENGTH, QUIET = 200, 300, 2000
Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def line(
    n: int, rng: np.random.Generator, *, first: int = 0
) -> tuple[Values, dict[str, list[str]]]:
    """Good parts: (n, 6) in deviations, and the circumstances of each."""
    common = _autoregressive(rng.standard_normal((n, 1)), 0.3)
    own = _autoregressive(rng.standard_normal((n, 6)), 0.1)
    shares = np.array([0.3, 0.7, 0.7, 0.3, 0.0, 0.0])
    values = np.sqrt(1 - shares**2) * own + shares * common
    cavity = (np.arange(n) + first) % 4
    shift = ((np.arange(n) + first) // 250) % 2
    values[:, 0] += np.array([0.0, 0.8, -0.6, 0.3])[cavity]
    values[:, 1] += 0.7 * shift
    return values, {
        "cavity": [f"cavity {c}" for c in cavity],
        "shift": [("early", "late")[s] for s in shift],
    }


def _autoregressive(noise: Values, share: float) -> Values:
    for i in range(1, len(noise)):
        noise[i] = share * noise[i - 1] + np.sqrt(1 - share**2) * noise[i]
    return noise


def drift(values: Values, rng: np.random.Generator) -> None:
    """The mean of one column creeps up by 0.5 deviations over 100 parts, and stays."""
    values[:, rng.integers(0, 5)] += 0.5 * np.minimum(np.arange(len(values)) / 100, 1.0)


def shift(values: Values, rng: np.random.Generator) -> None:
    """The mean of one column is 0.5 deviations off from one part to the next."""
    values[:, rng.integers(0, 5)] += 0.5 * rng.choice([-1, 1])


def tool_change(values: Values, rng: np.random.Generator) -> None:
    """Two columns step by one deviation."""
    values[:, rng.permutation(5)[:2]] += 1.0 * rng.choice([-1, 1], size=2)


def every_seventh(values: Values, rng: np.random.Generator) -> None:
    """Every 7th part is 2 deviations off in one column."""
    values[::7, rng.integers(0, 5)] += 2.0


def oscillation(values: Values, rng: np.random.Generator) -> None:
    """One column swings by one deviation, 60 parts a swing."""
    values[:, rng.integers(0, 5)] += np.sin(2 * np.pi * np.arange(len(values)) / 60)


def frozen(values: Values, rng: np.random.Generator) -> None:
    """The picture stands still, for 30 parts."""
    values[1:31, :5] = values[0, :5]


def replayed(values: Values, rng: np.random.Generator) -> None:
    """The 40 parts before are shown again, from the 41st on, to the end."""
    values[40:, :5] = np.resize(values[:40, :5], (len(values) - 40, 5))


def replayed_noisy(values: Values, rng: np.random.Generator) -> None:
    """The same, with noise of 0.1 deviations."""
    replayed(values, rng)
    values[40:, :5] += 0.1 * rng.standard_normal((len(values) - 40, 5))


def cycle_wander(values: Values, rng: np.random.Generator) -> None:
    """The cycle time wanders slowly, by one deviation."""
    values[:, 5] += _autoregressive(rng.standard_normal((len(values), 1)), 0.98)[:, 0]


def wrong_cavity(values: Values, rng: np.random.Generator) -> None:
    """One cavity takes on another's level: nothing unusual but for its place."""
    values[np.arange(len(values)) % 4 == 1, 0] -= 1.4


EVENTS: tuple[Callable[[Values, np.random.Generator], None], ...] = (
    drift, shift, tool_change, every_seventh, oscillation, frozen, replayed, replayed_noisy,
    cycle_wander, wrong_cavity,
)  # fmt: skip


def stream(values: Values, context: dict[str, list[str]], *, first: int = 0) -> PartStream:
    return PartStream(
        numbers=np.arange(first, first + len(values)),
        names=NAMES,
        values=LEVELS + SCALES * values,
        context={name: tuple(texts) for name, texts in context.items()},
    )


def taught(names: list[str], seed: int, options: argparse.Namespace) -> Watch:
    good = stream(*line(options.learn, np.random.default_rng(1000 + seed)))
    return learn(good, names, false_alarms=options.false_alarms, seed=seed)


def fresh(watch: Watch) -> Watch:
    return Watch(watch.standard, watch.methods, watch._history)


def measure(names: list[str], options: argparse.Namespace) -> dict[str, object]:
    found: dict[str, list[int | None]] = {event.__name__: [] for event in EVENTS}
    began, false, parts = time.process_time(), 0, 0
    learning = 0.0
    for seed in range(options.lines):
        before = time.process_time()
        watch = taught(names, seed, options)
        learning += time.process_time() - before
        start = options.learn
        quiet = fresh(watch)
        values, context = line(QUIET, np.random.default_rng(2000 + seed), first=start)
        quiet.update(stream(values, context, first=start))
        false, parts = false + _separate(quiet, start), parts + QUIET
        for event in EVENTS:
            rng = np.random.default_rng([3000 + seed, EVENTS.index(event)])
            values, context = line(BEGIN + LENGTH, rng, first=start)
            event(values[BEGIN:], rng)
            watched = fresh(watch)
            watched.update(stream(values, context, first=start))
            delays = [each.raised - start - BEGIN for each in watched.raised]
            found[event.__name__].append(min((d for d in delays if d >= 0), default=None))
    spent = time.process_time() - began - learning
    total = parts + options.lines * len(EVENTS) * (BEGIN + LENGTH)
    return {
        "found": found,
        "false": 1000 * false / parts,
        "learn_s": learning / options.lines,
        "us_a_part": 1e6 * spent / total,
    }


def _separate(watch: Watch, start: int) -> int:
    """How many alarms a person would see: those of several methods over the same parts are one."""
    count, until = 0, start - 1
    for each in sorted(watch.raised, key=lambda each: each.raised):
        count += each.raised > until + 10
        until = max(until, each.last)
    return count


def cell(delays: list[int | None]) -> str:
    seen = [delay for delay in delays if delay is not None]
    return f"{len(seen)}/{len(delays)} ({np.median(seen):.0f})" if seen else f"0/{len(delays)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10)
    parser.add_argument("--learn", type=int, default=1000)
    parser.add_argument("--false-alarms", type=float, default=1.0)
    parser.add_argument("--methods", nargs="+", default=[*method_names(), "charts", "all"])
    options = parser.parse_args()
    events = [event.__name__ for event in EVENTS]
    print(
        "| method | found | median delay | false per 1,000 | learns in s | µs a part | "
        + " | ".join(events)
        + " |"
    )
    print("|---" * (6 + len(events)) + "|")
    for method in options.methods:
        names = {"all": method_names(), "charts": list(CHARTS)}.get(method, [method])
        seen = measure(names, options)
        delays = [delay for each in events for delay in seen["found"][each]]  # type: ignore[index]
        hits = [delay for delay in delays if delay is not None]
        middle = f"{np.median(hits):.0f}" if hits else "–"
        cells = " | ".join(cell(seen["found"][each]) for each in events)  # type: ignore[index]
        print(
            f"| {method} | {len(hits) / len(delays):.0%} | {middle} | {seen['false']:.2f} | "
            f"{seen['learn_s']:.1f} | {seen['us_a_part']:.0f} | {cells} |", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
