"""A recorded part judged once more, by the recipe that judged it: for its heat, which is not kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cameras import Frame, read_image
from inspection.judgement import Judgement
from inspection.judging.encode import encoded_png
from inspection.judging.explain_page import page
from inspection.judging.overlay import below_limit, heat_over
from inspection.recipe import Recipe
from inspection.recipe.template import Golden
from inspection.station.recipe_library import RecipeLibrary, explain_opened, inspect_opened
from inspection.station.station_file import StationFile
from inspection.station.templates import Templates
from inspection.store import PartRecord


class StoredPartRejudge:
    """Judges recorded parts of one station again; `folder` is where its earlier recipes are kept."""

    def __init__(self, settings: StationFile, folder: Path) -> None:
        self.settings, self.library = settings, RecipeLibrary(settings, folder)
        self._templates = Templates(settings)
        self._reader = settings.identity.as_reader() if settings.identity else None

    def heat_png(self, record: PartRecord, picture: Path | None) -> bytes | None:
        """The heat of a part as PNG; None where the picture or the recipe is no longer there.

        A picture of several views side by side has none either: it is not what was judged.
        """
        judged = self.judge(record, picture)
        if judged is None or judged[1].anomaly_map is None:
            return None
        return encoded_png(heat_over(*judged))

    def below_limit_png(self, record: PartRecord, picture: Path | None) -> bytes | None:
        """What is least usual of a part that passed, as PNG, blue; None as for `heat_png`."""
        judged = self.judge(record, picture)
        if judged is None:
            return None
        image, judgement, recipe = judged
        found, limit = judgement.anomaly_map, recipe.settings.calibration.threshold
        if found is None:
            return None
        values = found.scored + np.float32(found.offset)
        most = float(np.quantile(values[np.isfinite(values)], 0.9))
        usual = min(float(np.median(recipe.scores)), 0.9 * limit, most)
        over = recipe.framing.to_picture(image.shape, values, pose=judgement.pose)
        return encoded_png(below_limit(over, usual=usual, limit=limit))

    def judge(
        self, record: PartRecord, picture: Path | None
    ) -> tuple[NDArray[np.uint8], Judgement, Recipe] | None:
        """Judge a recorded picture once more; None as for `heat_png`.

        Returns the image, (H, W, 3) RGB or (H, W), its judgement, and the recipe.
        """
        found = self._opened(record, picture)
        return None if found is None else (found[0].image, inspect_opened(*found), found[1])

    def why_page(self, record: PartRecord, picture: Path | None, language: str) -> str | None:
        """Why a part scored as it did, as the page of `inspection explain`; None as for `heat_png`.

        Raises InspectionError where the part cannot be judged.
        """
        found = self._opened(record, picture)
        if found is None:
            return None
        frame, recipe = found
        name = record.serial or f"#{record.number}"
        why = explain_opened(frame, recipe, f"part {name}")
        return page(why, frame.image, recipe, name=name, language=language)

    def _opened(self, record: PartRecord, picture: Path | None) -> tuple[Frame, Recipe] | None:
        """The picture as it was judged, and the recipe that judged it."""
        if picture is None or not picture.is_file() or record.captured_at is None:
            return None
        if len(self.settings.views) > 1 and "+" in str(record.capture.get("camera")):
            return None
        recipe = self.library.find(record.recipe_id)
        if recipe is None:
            return None
        image = read_image(picture)
        golden = self._template(record, image) if recipe.settings.setup.template else None
        return Frame(
            image=image, camera="record", sequence=0, captured_at=record.captured_at
        ), recipe if golden is None else recipe.with_template(golden)

    def _template(self, record: PartRecord, image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """The template the station file gives now, by the code in the picture; None where it gives none."""
        read = self._reader.read(image) if self._reader is not None else None
        code = read.template if read is not None else None
        found = self._templates.of(record.product or "", self.settings.views[0].name, code)
        return found.image if isinstance(found, Golden) else None
