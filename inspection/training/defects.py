"""Bad parts there are: how many would pass, and which limit would cost least.

They never move a limit by themselves: one is proposed, and taken only where that was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras import CameraError, list_images
from inspection.errors import TrainingError
from inspection.judgement import Verdict
from inspection.judging.picture_files import judge_files
from inspection.recipe import Recipe
from inspection.recipe.chosen_limit import with_pass_limit
from inspection.training.good_pictures import GoodPictures, picture_digest
from inspection.training.options import Costs
from inspection.training.statistics import GOOD, NO_SCORE, Evaluation, Rate, ScoredTestSet
from inspection.training.warnings import MOST_ESCAPES, NEAR_CHANCE, TrainingWarning
from models import Progress

WITHOUT_KIND = "defect"
"""Kind of the pictures that lie in no folder of their own."""

FINE_WEIGHT_AUROC = "fine_weight_auroc"
"""Where a recipe keeps the AUROC of each weight of the fine scale that was tried on bad parts."""

MEMBERS_AUROC = "members_auroc"
"""Where it keeps the AUROC of each set of models together that was tried on them."""

FEWEST = 10
"""Bad parts from which on a limit, members and weights are worth choosing by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadPart:
    """A picture of a bad part, and the kind of its defect."""

    path: Path
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadParts:
    """The bad parts that can be used; `left_out` says in sentences which cannot."""

    parts: tuple[BadPart, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The PASS limit that costs least by the scores at hand, and what it would do to them.

    `expected_cost` is that of a part, in the unit of the costs given.
    """

    threshold: float
    expected_cost: float
    escapes: Rate
    overkill: Rate


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DefectReport:
    """What came of the bad parts by the recipe as it is written.

    `evaluation` is of them against the good parts' out-of-sample scores; `not_failed` counts those
    that pass or need a look; `scored` those that could be judged. `cost_unmoved` is that of a part at
    the limit set by good parts alone, `proposal` None where no limit can be chosen; `taken` says that
    it is the recipe's. `fine_weight` is that of the recipe, `fine_weight_aurocs` those tried, empty
    where there was no choice; `members` are the models it puts together, `members_aurocs` those tried.
    """

    evaluation: Evaluation
    not_failed: Rate
    scored: int
    costs: Costs
    cost_unmoved: float
    proposal: Proposal | None
    taken: bool = False
    take_asked: bool = False
    fine_weight: float
    fine_weight_aurocs: Mapping[str, float]
    members: tuple[str, ...] = ()
    members_aurocs: Mapping[str, float] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def escapes(self) -> Rate:
        """How many of the bad parts pass."""
        return self.evaluation.values["escape_rate"]  # type: ignore[no-any-return]

    @property
    def image_auroc(self) -> float:
        """Chance that a bad part scores worse than a good one."""
        return self.evaluation.values["image_auroc"]  # type: ignore[no-any-return]

    @property
    def warnings(self) -> list[TrainingWarning | str]:
        """What a reader must know first, the worst first; those without a key are English only."""
        bad, costs = self.escapes, self.costs
        unjudged = {"count": bad.of - self.scored, "of": bad.of}
        rows: tuple[tuple[bool, TrainingWarning | str], ...] = (
            (
                self.image_auroc < NEAR_CHANCE,
                TrainingWarning(key="bad_near_chance", values={"auroc": self.image_auroc}),
            ),
            (
                bad.value > MOST_ESCAPES,
                TrainingWarning(key="bad_escapes", values={"escapes": bad.count, "of": bad.of}),
            ),
            (
                self.scored < FEWEST,
                TrainingWarning(key="bad_few", values={"scored": self.scored, "useful": FEWEST}),
            ),
            (
                costs.escape < costs.overkill,
                f"an escape is said to cost less ({costs.escape:g}) than an overkill "
                f"({costs.overkill:g}): the proposal lets bad parts pass to spare good ones",
            ),
            (
                self.take_asked and not self.taken,
                "no limit was proposed, so --take-proposed-limit changed nothing",
            ),
            (self.scored < bad.of, TrainingWarning(key="bad_not_judged", values=unjudged)),
        )
        return [*(line for so, line in rows if so), *self.left_out]

    def as_json(self) -> dict[str, Any]:
        """The field `defects` of `train --json`."""
        proposal, figures = self.proposal, self.evaluation.as_json()
        return {
            "n": self.escapes.of,
            "escapes": self.escapes.count,
            "escape_rate": figures["escape_rate"],
            "escape_ci95": figures["escape_ci95"],
            "not_failed": self.not_failed.count,
            "not_failed_ci95": self.not_failed.ci95,
            "image_auroc": self.image_auroc,
            "costs": asdict(self.costs),
            "expected_cost_unmoved": self.cost_unmoved,
            "proposed_threshold": None if proposal is None else proposal.threshold,
            "expected_cost": None if proposal is None else proposal.expected_cost,
            "proposed_escape_ci95": None if proposal is None else proposal.escapes.ci95,
            "proposed_overkill_ci95": None if proposal is None else proposal.overkill.ci95,
            "taken": self.taken,
            "fine_weight": self.fine_weight,
            "fine_weight_auroc": dict(self.fine_weight_aurocs) or None,
            "members": list(self.members),
            "members_auroc": dict(self.members_aurocs) or None,
            "per_kind": figures["per_defect"],
        }

    def lines(self) -> list[str]:
        """What is printed for a person."""
        kinds = self.evaluation.values["per_defect"]
        return [
            f"{_of(self.escapes)} pass",
            f"{_of(self.not_failed)} do not FAIL: they pass, or go to REVIEW",
            *(
                f"{kind}: {_of(Rate(row['escapes'], row['n']))} pass"
                for kind, row in kinds.items()
                if len(kinds) > 1
            ),
            *self._together(),
            *self._weight(),
            *([] if self.proposal is None else self._proposed(self.proposal)),
        ]

    def _together(self) -> list[str]:
        """Which models see a part together, and why; nothing where there was no choice."""
        if not self.members_aurocs:
            return []
        first, *others = self.members
        tried = ", ".join(f"{auroc:.3f} {names}" for names, auroc in self.members_aurocs.items())
        joined = f"{' and '.join(others)} join {first}" if others else f"{first} stays alone"
        return [f"{joined} by these parts: AUROC {tried}"]

    def _weight(self) -> list[str]:
        """How much the fine scale counts, and why; nothing where there was no choice."""
        if not self.fine_weight_aurocs:
            return []
        tried = ", ".join(f"{auroc:.3f} at {w}" for w, auroc in self.fine_weight_aurocs.items())
        return [f"the fine scale counts {self.fine_weight:g} by these parts: AUROC {tried}"]

    def _proposed(self, proposal: Proposal) -> list[str]:
        costs = self.costs
        used = (
            "taken" if self.taken else "a proposal, not used; --take-proposed-limit would take it"
        )
        return [
            f"PASS up to {proposal.threshold:.3g} would cost least ({used}):",
            f"  {_of(proposal.escapes)} of them would pass",
            f"  {_of(proposal.overkill)} good parts would need a look or fail",
            f"  cost of a part {proposal.expected_cost:.3g}, {self.cost_unmoved:.3g} at the limit set by "
            f"good parts alone; an escape costs {costs.escape:g}, an "
            f"overkill {costs.overkill:g}, {costs.defect_rate:.2%} of parts are bad",
            "  chosen on these very parts: others may escape more often, see the intervals",
        ]


def bad_files(folder: Path) -> BadParts:
    """List the pictures of bad parts in a folder, and in its folders by kind.

    Raises TrainingError when there is no picture. A folder `good` is left out.
    """
    if not folder.is_dir():
        raise TrainingError(f"defects {folder}: no such folder; give one of pictures of bad parts")
    found = [BadPart(path=path, kind=WITHOUT_KIND) for path in list_images(folder)]
    inside = sorted(folder.glob("*/"))
    for kind in inside:
        if kind.name != GOOD:
            found += [BadPart(path=path, kind=kind.name) for path in list_images(kind)]
    if not found:
        raise TrainingError(f"defects {folder}: no pictures of bad parts in it or its folders")
    good = [
        f"{kind}: left out, its pictures are of good parts" for kind in inside if kind.name == GOOD
    ]
    return BadParts(parts=tuple(found), left_out=tuple(good))


def usable(bad: BadParts, pictures: GoodPictures) -> BadParts:
    """Leave out what cannot be read and what is a copy of another.

    Raises TrainingError when nothing is left, or a picture is among the good ones, too.
    """
    good = {each.digest: each.path.name for each in pictures.used}
    parts: dict[bytes, BadPart] = {}
    unreadable, copies = [], 0
    for part in bad.parts:
        try:
            digest = picture_digest(pictures.framing.setup.read_picture(part.path))
        except CameraError as error:
            unreadable.append(f"bad part left out, unreadable: {error}")
            continue
        if digest in good:
            raise TrainingError(
                f"defects: {part.path} is among the good pictures, too, as {good[digest]}; "
                "take it out of one of the folders"
            )
        copies += digest in parts
        parts.setdefault(digest, part)
    if not parts:
        raise TrainingError(
            f"defects: none of {len(bad.parts)} pictures can be used; {unreadable[0]}"
        )
    copied = (
        [f"{copies} of the bad parts' pictures are copies of others and left out"] if copies else []
    )
    return BadParts(parts=tuple(parts.values()), left_out=(*bad.left_out, *unreadable, *copied))


def weigh_defects(
    bad: BadParts, recipe: Recipe, *, costs: Costs, take: bool, progress: Progress
) -> tuple[Recipe, DefectReport]:
    """Judge the bad parts; returns the recipe, with the proposed limit where `take` says so."""
    report = _judged(bad, recipe, costs, progress)
    report = replace(report, take_asked=take)
    if not take or report.proposal is None:
        return recipe, report
    chosen = {"by": "cost", "n_defects": report.scored} | asdict(costs)
    moved = with_pass_limit(recipe, report.proposal.threshold, chosen=chosen)
    again = _judged(bad, moved, costs, progress)
    return moved, replace(
        report, evaluation=again.evaluation, not_failed=again.not_failed, taken=True
    )


def propose(
    good: NDArray[np.float64], bad: NDArray[np.float64], *, costs: Costs, highest: float
) -> Proposal:
    """Choose the limit of least cost: between two scores, or `highest`; of equals the lowest.

    `good` (n,) are out-of-sample scores, `bad` (m,) those of bad parts; n, m >= 1. None is below the
    median of the good ones: what stops most of the good parts is no limit.
    """
    scores = np.unique(np.concatenate([good, bad]))
    below = scores[(scores >= np.median(good)) & (scores <= highest)]
    limits = [*(below[:-1] / 2 + below[1:] / 2), highest]
    return min((_at(limit, good, bad, costs) for limit in limits), key=lambda p: p.expected_cost)


def _at(
    limit: float, good: NDArray[np.float64], bad: NDArray[np.float64], costs: Costs
) -> Proposal:
    escapes = Rate(int((bad <= limit).sum()), len(bad))
    overkill = Rate(int((good > limit).sum()), len(good))
    return Proposal(
        threshold=float(limit),
        expected_cost=costs.of(escape_rate=escapes.value, overkill_rate=overkill.value),
        escapes=escapes,
        overkill=overkill,
    )


def _judged(bad: BadParts, recipe: Recipe, costs: Costs, progress: Progress) -> DefectReport:
    """Judge the bad parts by a recipe and count."""
    judgements = []
    for found in judge_files([part.path for part in bad.parts], recipe):
        judgements.append(found.judgement)
        progress("Judging bad parts", len(judgements), len(bad.parts))
    scores = np.array([NO_SCORE if j.score is None else j.score for j in judgements])
    verdicts = [judgement.verdict for judgement in judgements]
    limits = recipe.settings.calibration
    evaluation = Evaluation.of(
        ScoredTestSet(
            kinds=[GOOD] * len(recipe.scores) + [part.kind for part in bad.parts],
            scores=np.concatenate([recipe.scores, scores]),
            verdicts=[*_verdicts(recipe), *verdicts],
            latency_ms=np.zeros(0),
        )
    )
    scored = int((scores < NO_SCORE).sum())
    apart = scored > 0 and evaluation.values["image_auroc"] >= NEAR_CHANCE
    return DefectReport(
        evaluation=evaluation,
        not_failed=Rate(
            sum(verdict in (Verdict.PASS, Verdict.REVIEW) for verdict in verdicts), len(verdicts)
        ),
        scored=scored,
        costs=costs,
        cost_unmoved=_at(limits.threshold, recipe.scores, scores, costs).expected_cost,
        proposal=propose(recipe.scores, scores, costs=costs, highest=limits.fail_threshold)
        if apart
        else None,
        fine_weight=recipe.settings.fine_weight,
        fine_weight_aurocs=recipe.settings.training.get(FINE_WEIGHT_AUROC, {}),
        members=tuple(recipe.settings.model.get("members", [recipe.settings.model["name"]])),
        members_aurocs=recipe.settings.training.get(MEMBERS_AUROC, {}),
        left_out=bad.left_out,
    )


def _verdicts(recipe: Recipe) -> Sequence[Verdict]:
    """The verdict of each good part by its out-of-sample score."""
    limits = recipe.settings.calibration
    return [
        Verdict.PASS
        if score <= limits.threshold
        else Verdict.REVIEW
        if score <= limits.fail_threshold
        else Verdict.FAIL
        for score in recipe.scores
    ]


def _of(rate: Rate) -> str:
    low, high = rate.ci95
    return f"{rate.count} of {rate.of} ({rate.value:.0%}, 95 % interval {low:.0%} to {high:.0%})"
