"""What the bench runs, and what a run finds: plain data that goes to another process and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Verdict
from inspection.training.bench.drawn import DrawnPicture
from inspection.training.metrics import LabelledPixels
from inspection.training.options import BALANCED, TrainingOptions
from inspection.training.statistics import Evaluation, ScoredTestSet

OVERLAPS = {"aupro": 0.3, "aupro_at_5": 0.05}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """What all contenders are given alike; rivals get the size that `effort` means for ours."""

    backbone: str = "tf_efficientnet_lite0"
    effort: str = BALANCED
    image_size_px: int | None = None

    def told(self) -> str:
        """What a reader is told of them."""
        size = "" if self.image_size_px is None else f", {self.image_size_px} px"
        return f"effort {self.effort}{size}, backbone {self.backbone}"

    def options(self, *, model: str, seed: int) -> TrainingOptions:
        """The options of a training of ours; `ensemble:A+B:RULE` names members and rule, or one of them."""
        model, *more = model.split(":")
        return TrainingOptions(
            model=model,
            members=next((tuple(each.split("+")) for each in more if "+" in each), None),
            rule=next((each for each in more if "+" not in each), None),
            backbone=self.backbone,
            effort=self.effort,
            image_size_px=self.image_size_px,
            seed=seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run: teach `contender` the good pictures of a folder, and judge its others.

    `folder` is in the MVTec layout and holds just the `n_good` pictures to learn; `dataset` is the
    name of the set they are of. `template` is the folder of the templates that each is compared with.
    """

    dataset: str
    contender: str
    n_good: int
    seed: int
    folder: Path
    drawn: tuple[DrawnPicture, ...]
    settings: BenchSettings
    template: Path | None = None

    @property
    def name(self) -> str:
        """What a person is told is at work."""
        return f"{self.contender}, {self.n_good} good, seed {self.seed}, {self.dataset}"

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {
            "folder": str(self.folder),
            "template": None if self.template is None else str(self.template),
            "drawn": [asdict(each) | {"path": str(each.path)} for each in self.drawn],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Task:
        """From what `as_json` gave."""
        return cls(
            **{
                **data,
                "folder": Path(data["folder"]),
                "template": None if data["template"] is None else Path(data["template"]),
                "drawn": tuple(
                    DrawnPicture(**{**each, "path": Path(each["path"])}) for each in data["drawn"]
                ),
                "settings": BenchSettings(**data["settings"]),
            }
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scored:
    """Scores (n,) float64, higher is worse, with what each picture is; verdicts are empty without any.

    `lengths` are those of drawn-in defects, as shares of the picture's longer side, 0 elsewhere.
    """

    kinds: Sequence[str]
    scores: NDArray[np.float64]
    verdicts: Sequence[str] = ()
    lengths: Sequence[float] = ()

    @property
    def passed(self) -> NDArray[np.bool_] | None:
        """Which passed (n,), or None without verdicts."""
        return np.array([v == Verdict.PASS for v in self.verdicts]) if self.verdicts else None

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"scores": self.scores.tolist()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scored:
        """From what `as_json` gave."""
        return cls(**{**data, "scores": np.array(data["scores"], np.float64)})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcome:
    """What a run found.

    `figures` are the statistics of the test set and the costs; `test` and `drawn` the scores that
    intervals are drawn from; `overlaps` gives for each figure of OVERLAPS the sum of what a picture's
    regions add to it and how many there are, (n, 2) by test picture; `limits` the PASS and FAIL limits.
    """

    dataset: str
    contender: str
    n_good: int
    seed: int
    figures: Mapping[str, Any]
    test: Scored
    drawn: Scored
    overlaps: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    limits: tuple[float, float] | None = None

    @classmethod
    def of(
        cls,
        task: Task,
        test: ScoredTestSet,
        drawn: Scored,
        *,
        costs: Mapping[str, Any],
        limits: tuple[float, float] | None = None,
    ) -> Outcome:
        """Put together what a contender said of the pictures and what it cost."""
        return cls(
            dataset=task.dataset,
            contender=task.contender,
            n_good=task.n_good,
            seed=task.seed,
            figures=Evaluation.of(test).as_json() | dict(costs),
            test=Scored(
                kinds=test.kinds, scores=test.scores, verdicts=[v.value for v in test.verdicts]
            ),
            drawn=drawn,
            overlaps={} if test.pixels is None else _overlaps(test.pixels, len(test.kinds)),
            limits=limits,
        )

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {
            "test": self.test.as_json(),
            "drawn": self.drawn.as_json(),
            "overlaps": {name: values.tolist() for name, values in self.overlaps.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """From what `as_json` gave."""
        return cls(
            **{
                **data,
                "test": Scored.from_json(data["test"]),
                "drawn": Scored.from_json(data["drawn"]),
                "overlaps": {k: np.array(v, np.float64) for k, v in data["overlaps"].items()},
                "limits": None if data["limits"] is None else tuple(data["limits"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that gave no outcome, and why in one line."""

    dataset: str
    contender: str
    n_good: int
    seed: int
    error: str

    def as_json(self) -> dict[str, Any]:
        """A row beside those of `summarise`."""
        return {
            "dataset": self.dataset,
            "model": self.contender,
            "n_taught": self.n_good,
            "seeds": [self.seed],
            "error": self.error,
        }


def _overlaps(pixels: LabelledPixels, pictures: int) -> dict[str, NDArray[np.float64]]:
    count = np.bincount(pixels.picture, minlength=pictures).astype(np.float64)
    return {
        name: np.column_stack(
            [np.bincount(pixels.picture, pixels.overlaps(limit), minlength=pictures), count]
        )
        for name, limit in OVERLAPS.items()
    }
