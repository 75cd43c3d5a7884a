"""What people say a part is: one rule, whoever asks (docs/review.md, "What a part is")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inspection.labels.confusion import labelled
from inspection.labels.labels import Labels, Truth
from inspection.store import PartEvent

MIA_OK, MIA_NG = ("mia", "OK"), ("mia", "NG")
JO_OK, JO_NG = ("jo", "OK"), ("jo", "NG")
DOUBT = ("oli", "disagree")
ADA_DECIDES_NG = ("ada", "NG", {"decides": True})


def labels_after(*steps: Any) -> Labels:
    """Take events in this order, numbered from 1; a step is who, a label or "disagree", and more."""
    events = [
        PartEvent(
            number=number, part_id="p", kind="disagree" if label == "disagree" else "label",
            who=who, at=datetime(2026, 3, 5, tzinfo=UTC),
            detail={"label": label, **(more[0] if more else {})}, previous_hash="", hash="",
        )
        for number, (who, label, *more) in enumerate(steps, start=1)
    ]  # fmt: skip
    labels = Labels()
    labels.take(events)
    return labels


@pytest.mark.parametrize(
    ("steps", "truth"),
    [
        ([], Truth.NOTHING),
        ([MIA_OK], Truth.OK),
        ([MIA_OK, MIA_NG], Truth.NG),  # the latest of a person counts
        ([MIA_OK, ("mia", None, {"undoes": 1})], Truth.NOTHING),
        ([MIA_OK, JO_OK], Truth.OK),
        ([MIA_OK, JO_NG], Truth.DISPUTED),
        ([MIA_OK, JO_NG, JO_OK], Truth.OK),
        ([("mia", "NG", {"defect": "dent"}), ("jo", "NG", {"defect": "crack"})], Truth.NG),
        ([MIA_OK, JO_NG, ADA_DECIDES_NG], Truth.NG),
        ([MIA_OK, JO_NG, ADA_DECIDES_NG, MIA_OK], Truth.NG),  # a decision stands
        ([MIA_OK, JO_NG, ADA_DECIDES_NG, ("ada", None, {"undoes": 3})], Truth.DISPUTED),
        ([MIA_OK, JO_NG, ADA_DECIDES_NG, ("kim", "OK", {"decides": True})], Truth.OK),
        ([DOUBT], Truth.NOTHING),  # an operator's doubt is no label
        ([MIA_OK, DOUBT], Truth.DISPUTED),
        ([MIA_OK, DOUBT, MIA_OK], Truth.OK),
        ([MIA_OK, DOUBT, JO_OK], Truth.OK),
        ([MIA_OK, DOUBT, JO_NG], Truth.DISPUTED),
        ([MIA_OK, JO_NG, ADA_DECIDES_NG, DOUBT], Truth.DISPUTED),  # the doubt came after
        ([MIA_OK, JO_NG, ADA_DECIDES_NG, DOUBT, MIA_NG], Truth.NG),
        ([MIA_OK, DOUBT, MIA_NG, ("mia", "OK", {"undoes": 3})], Truth.DISPUTED),  # as of label 1
        ([DOUBT, MIA_OK, MIA_NG, ("mia", "OK", {"undoes": 3})], Truth.OK),
    ],
)
def test_the_rule(steps: list[Any], truth: Truth) -> None:
    part = labels_after(*steps).of("p")
    assert part.truth is truth
    # A dataset, set-up and the counts of mistakes say the same.
    assert part.outcome is None or part.outcome.label == truth.name
    row = labelled({"verdict": "PASS"}, part)
    assert row["label"] == (truth.name if truth in (Truth.OK, Truth.NG) else None)
    assert row["unsettled"] is (truth is Truth.DISPUTED)
    assert row["escape"] is (truth is Truth.NG)


def test_a_type_people_differ_about_is_no_outcome_but_the_part_is_ng() -> None:
    steps = ("mia", "NG", {"defect": "dent"}), ("jo", "NG", {"defect": "crack"})
    part = labels_after(*steps).of("p")
    assert (part.truth, part.outcome, part.parties) == (Truth.NG, None, {"mia", "jo"})
