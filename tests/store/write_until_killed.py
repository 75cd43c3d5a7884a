"""Takes triggers and adds their parts without end; prints each part's id once it is recorded."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np

from cameras.base import Frame
from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.store import NewPart, open_store


def main(url: str, images: Path) -> None:
    noise = np.random.default_rng()
    judged = Judgement(
        verdict=Verdict.PASS,
        cause=Reason("nothing_unusual", {"score": 1.0, "limit": 2.0}),
        recipe_id="r",
        score=1.0,
        p_value=0.5,
        threshold=2.0,
    )
    with open_store(url, images=images) as store:
        while True:
            triggers = [str(uuid4()) for _ in range(noise.integers(1, 5))]
            for trigger in triggers:
                now = datetime.now(UTC)
                store.note_trigger(trigger, station="press", source="test", at=now)
            batch = [
                NewPart(judgement=judged, frame=_frame(noise), station="press", trigger_id=trigger)
                for trigger in triggers
            ]
            for record in store.add_many(batch, deliver_to=("mqtt", "webhook")):
                print(record.part_id, flush=True)


def _frame(noise: np.random.Generator) -> Frame:
    image = noise.integers(0, 256, (64, 64), dtype=np.uint8)
    return Frame(image=image, camera="top", sequence=0, captured_at=datetime.now(UTC))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
