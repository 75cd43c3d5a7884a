"""All that the bench says of its runs: rows, differences, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from inspection.training.bench.ranks import chosen_by_others, mean_ranks
from inspection.training.bench.runs import Outcome
from inspection.training.bench.summary import pooled_differences, summarise

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Rows as `summarise`, `pooled_differences`, `mean_ranks` and `chosen_by_others` say."""

    rows: Sequence[Row]
    pooled: Sequence[Row] = ()
    ranked: Sequence[Row] = ()
    left_out: Sequence[Row] = ()

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> Self:
        """Compare everybody who was run."""
        return cls(
            rows=summarise(outcomes),
            pooled=pooled_differences(outcomes),
            ranked=mean_ranks(outcomes),
            left_out=chosen_by_others(outcomes),
        )

    def as_json(self) -> list[dict[str, Any]]:
        """The rows, each with its contender's ranks over all datasets as `ranks`."""
        known = {row["model"]: dict(row) for row in self.ranked}
        return [{**row, "ranks": known.get(row["model"])} for row in self.rows]
