"""What a training and a trial came to, in sentences of a person's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inspection.jobs import Job
from inspection.training.leaderboard import LEADERBOARDS, measured
from inspection.training.needs import needs_of
from inspection.training.options import AUTO, CANDIDATES, TrainingOptions
from inspection.written import percent
from ui.core.panel import Asker, Cell, table_value

UNEXPLAINED = frozenset({"variants", "odd_good"})
"""Warnings after which it does not help to try another effort."""
MARKED = "background: var(--fail-ground); color: var(--on-deep); font-weight: 600"


def figure(value: float) -> str:
    """A score or a limit: three digits that count."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def promise_text(me: Asker, found: Mapping[str, Any]) -> str:
    """What so many good parts allow to promise, and how many more the wish needs."""
    asked, needed = percent(found["asked"]), found["needed"]
    if found["n"] == 0:
        return me.say("setup.promise_none", asked=asked, needed=needed)
    now = me.say(
        "setup.promise_now",
        n=found["n"],
        promised=percent(found["promised"]),
        bound=percent(found["bound"]),
    )
    key = "promise_more" if needed else "promise_met"
    return f"{now} {me.say(f'setup.{key}', asked=asked, needed=needed)}"


def measured_text(me: Asker, model: str, effort: str) -> str:
    """How a model stood on real parts, by the manual's leaderboard."""
    if model == AUTO:
        return me.say("setup.model_auto_tries", models=", ".join(CANDIDATES))
    board = measured(model, effort)
    if board is None:
        return me.say("setup.model_not_measured", sets=LEADERBOARDS[effort][-1].sets)
    standing = board.standings[model]
    told = me.say(
        "setup.model_measured",
        sets=board.sets,
        models=len(board.standings),
        auroc=standing.by_auroc,
        escapes=standing.by_escapes,
        apart=board.critical_difference,
    )
    return (
        told
        if board is LEADERBOARDS[effort][0]
        else f"{told} {me.say('setup.model_measured_coarsely')}"
    )


def needs_text(me: Asker, model: str) -> str:
    """What a training of this model takes."""
    needs = needs_of(TrainingOptions(model=model))
    if needs.minutes is None or needs.memory_mb is None:
        return me.say("setup.model_needs_parts", least=needs.least_pictures)
    return me.say(
        "setup.model_needs",
        least=needs.least_pictures,
        minutes=needs.minutes_text,
        memory=me.wording.number(needs.memory_mb),
    )


def stage(me: Asker, job: Job) -> str:
    """The stage a job is at."""
    if not job.stage:
        return me.say("setup.stage_starting")
    name = "_".join("".join(c if c.isalnum() else " " for c in job.stage.lower()).split())
    return me.wording.said(f"setup.stage_{name}", job.stage)


def warning_lines(me: Asker, found: Sequence[Mapping[str, Any]]) -> str:
    """What a reader must know first; what to try stands once below."""
    if not found:
        return ""
    lines = [f"▲ {_warning(me, each)}" for each in found]
    if any(each["key"] not in UNEXPLAINED for each in found):
        lines.append(me.say("setup.warning_try"))
    return "\n".join(lines)


def _warning(me: Asker, warning: Mapping[str, Any]) -> str:
    key, values = f"setup.warning_{warning['key']}", dict(warning["values"])
    form = {
        "share": percent,
        "auroc": "{:.2f}".format,
        "length_px": "{:.0f}".format,
        "threshold": figure,
        "with_odd": figure,
    }
    for name in form.keys() & values.keys():
        values[name] = form[name](values[name])
    return me.say(key, **values) if me.wording.has(key) else str(warning["text"])


def bad_lines(me: Asker, found: Mapping[str, Any] | None) -> str:
    """What came of the parts labelled NG that were given to the training."""
    if not found:
        return ""
    low, high = (percent(rate) for rate in found["escape_ci95"])
    values = {"count": found["escapes"], "of": found["n"], "low": low, "high": high}
    lines = [
        f"{me.say('setup.bad_parts')}: "
        + me.say("setup.bad_pass", **values, auroc=f"{found['image_auroc']:.3f}")
    ]
    proposed = found["proposed_threshold"]
    if proposed is not None:
        lines.append(me.say("setup.bad_proposed", limit=figure(proposed)))
    return "\n".join(lines)


def limit_lines(me: Asker, result: Mapping[str, Any]) -> str:
    """Both limits: what is promised of the one, and estimated of the other."""
    copies = sum(len(names) - 1 for names in result["hygiene"]["duplicates"])
    told = {
        "n": result["n_good"] - copies,
        "asked": result["false_reject_asked"],
        "promised": result["false_reject_promised"],
        "bound": result["false_reject_bound"],
        "needed": result["images_needed"],
    }
    fail = me.say("setup.fail_above", limit=figure(result["fail_threshold"]))
    lines = [f"{fail} {promise_text(me, told)}"]
    if result["review_estimated"] is not None:
        low, high = (percent(rate) for rate in result["review_ci95"])
        share = percent(result["review_estimated"])
        passes = me.say("setup.pass_up_to", limit=figure(result["threshold"]))
        estimated = me.say("setup.review_estimated", share=share, low=low, high=high)
        lines.append(f"{passes} {estimated}")
    return "\n".join(lines)


def facts(me: Asker, result: Mapping[str, Any]) -> str:
    """What the recipe was learnt from, how large it is, and its name."""
    canvas = result["canvas"]
    values = {
        "n": result["n_good"],
        "seconds": f"{result['seconds']:.0f}",
        "size": f"{canvas['width_px']} × {canvas['height_px']}",
        "mb": f"{result['recipe_bytes'] / 1e6:.1f}",
        "id": result["recipe_id"][:12],
    }
    lines = [me.say("setup.result_facts", **values)]
    if result["effort"]:
        effort = me.say(f"setup.effort_{result['effort']}")
        lines.append(f"{me.say('setup.effort')}: {effort}")
    return "\n".join(lines)


def drawn_table(me: Asker, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Which defects drawn into good pictures would pass, by size."""
    heads = [me.say("setup.drawn_length"), me.say("setup.drawn_pass")]
    return table_value(
        heads,
        [
            [
                Cell(
                    row["length_px"],
                    me.say(
                        "setup.drawn_size",
                        px=me.wording.number(row["length_px"]),
                        share=percent(row["length_share"]),
                    ),
                ),
                Cell(
                    row["escapes"] / row["drawn"] if row["drawn"] else None,
                    _share(me, row["escapes"], row["drawn"], row["escape_ci95"]),
                ),
            ]
            for row in rows
        ],
    )


def hygiene_lines(me: Asker, found: Mapping[str, Any]) -> str:
    """What was not used, and what is there twice."""
    lists = {
        "unreadable": [why for _, why in found["unreadable"]],
        "off_size": [f"{name}: {size}" for name, size in found["off_size"]],
        "duplicates": [" = ".join(names) for names in found["duplicates"]],
    }
    lines = []
    for name, texts in lists.items():
        if texts:
            lines.append(f"{me.say(f'setup.hygiene_{name}')} ({len(texts)})")
            lines += [f"   {text}" for text in texts]
    return "\n".join(lines) or f"✓ {me.say('setup.hygiene_none')}"


def mistakes_table(me: Asker, labelled: Mapping[str, Any]) -> dict[str, Any] | None:
    """Escapes and overkill of the recipe and of the line then; None where nobody labelled a tried part."""
    recipe, line = labelled["recipe"], labelled["line"]
    shares = [recipe["escapes"]["of"], recipe["overkill"]["of"]]
    if not any([*shares, labelled["unsettled"], labelled["learnt"]]):
        return None
    heads = ["", me.say("setup.labelled_recipe"), me.say("setup.labelled_line")]
    rows = [
        [me.say(f"setup.{name}"), _share_of(me, recipe[name]), _share_of(me, line[name])]
        for name in ("escapes", "overkill")
    ]
    return table_value(heads, rows, {0: MARKED} if recipe["escapes"]["count"] else {})


def mistakes_lines(me: Asker, found: Mapping[str, Any]) -> str:
    """How many tried parts would get another verdict, and which labels count in neither."""
    if not found["parts"]:
        return me.say("setup.try_none")
    labelled = found["labelled"]
    lines = [me.say("setup.flips", n=len(found["flips"]), of=len(found["parts"]))]
    if mistakes_table(me, labelled) is None:
        lines.insert(0, me.say("setup.labelled_none"))
    lines += [
        me.say(f"setup.labelled_{name}", n=labelled[name])
        for name in ("unsettled", "learnt")
        if labelled[name]
    ]
    return "\n".join(lines)


def part_caption(me: Asker, row: Mapping[str, Any]) -> str:
    """A tried part in one line: whether it escapes, its verdict before and now, and its name."""
    label = label_text(me, row) if row["label"] else ""
    escape = f"▲ {me.say('setup.escape', label=label)}" if row["escape"] else label
    verdicts = " → ".join(me.say(f"report.verdict_{row[name]}") for name in ("before", "verdict"))
    name = row.get("serial") or row["part_id"][:8]
    return " · ".join(filter(None, [escape, verdicts, name]))


def cause_text(me: Asker, row: Mapping[str, Any]) -> str:
    """Why a tried part got its verdict."""
    cause = row.get("cause")
    if not cause:
        return str(row.get("reason") or "")
    values = {
        name: figure(value) if isinstance(value, float) else value
        for name, value in cause["values"].items()
    }
    sentence = me.say(f"reasons.{cause['key']}", **values)
    view = cause["view"]
    return sentence if view is None else me.say("operator.of_view", view=view, why=sentence)


def label_text(me: Asker, row: Mapping[str, Any]) -> str:
    """A label in words: NG scratch."""
    defect = row.get("defect")
    named = me.wording.said(f"review.defect_{defect}", str(defect)) if defect else ""
    return " · ".join(filter(None, [me.say(f"review.label_{row['label']}"), named]))


def _share_of(me: Asker, share: Mapping[str, Any]) -> str:
    if share["ci95"] is None:
        return me.say("setup.labelled_no")
    return _share(me, share["count"], share["of"], share["ci95"])


def _share(me: Asker, count: int, of: int, ci95: Sequence[float]) -> str:
    low, high = (percent(rate) for rate in ci95)
    return me.say("setup.labelled_share", count=count, of=of, low=low, high=high)
