"""Why a part scored as it did: which measure drove each region, and the good patch most like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import models
from cameras.base import Frame
from inspection.errors import InspectionError
from inspection.judgement import Judgement, Region, Verdict
from inspection.judging.judge import compared, inspect
from inspection.recipe import Recipe
from inspection.recipe.framing import CanvasLayout
from inspection.recipe.origins import Origins

Image = NDArray[np.uint8]

ROWS, COLUMNS = ("upper", "middle", "lower"), ("left", "centre", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A patch of a canvas: its box there in pixels, and where that is in words."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestPatch:
    """The good patch most like one of the part: in which picture, where, and how far (whitened features).

    `number` is that of the good picture, `of` how many there were.
    """

    picture: str
    number: int
    of: int
    place: Place
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One place of a part: what each measure added to its score, and the patches it stands for.

    `region` is None for the least usual place of a part that has no region. `shares` add up to
    `score`, by the names of `models.shares`; `measure` is the largest but that of the whole picture,
    `scale` the one that spoke. `patch` is the part's patch at that scale.
    """

    region: Region | None
    score: float
    shares: Mapping[str, float]
    measure: str
    scale: int
    patch: Place
    nearest: NearestPatch | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Attention:
    """Where a vision transformer looks: the share (h, w) of its class token's attention each patch has at a scale.

    `most` is the patch that has most of it.
    """

    scale: int
    shares: NDArray[np.float32]
    most: Place


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explanation:
    """A judgement with what made it: places worst first, the canvas (H, W, 3), its maps, what was rebuilt.

    `pairs` is whether the recipe knows its good patches. `rebuilt` is the picture (h, w, 3) a
    reconstructing model made of it. `attention` is of each scale of a vision transformer; `mute` says that the
    recipe stands on one that does not tell it.
    """

    judgement: Judgement
    places: tuple[Explained, ...]
    canvas: Image
    scales: tuple[NDArray[np.float32], ...]
    rebuilt: Image | None
    pairs: bool
    attention: tuple[Attention, ...] = ()
    mute: bool = False


def explain(
    frame: Frame, recipe: Recipe, *, name: str, template: Image | None = None
) -> Explanation:
    """Judge a picture, of this name, and say why. Raises InspectionError where it cannot be judged."""
    judgement = inspect(frame, recipe, template=template)
    if judgement.verdict is Verdict.CANNOT_INSPECT:
        raise InspectionError(
            f"{name}: cannot be judged, so there is nothing to explain: {judgement.reason}"
        )
    straight, pose = recipe.framing.straighten(compared(frame.image, recipe, template))
    layout = recipe.framing.placed(frame.image.shape, pose)
    canvas = recipe.framing.prepared(layout.placement.to_canvas(straight))
    program = recipe.telling("near", "distance", "rebuilt", "points")
    maps, _ = program.measure(canvas)
    work = _Explaining(recipe, layout, maps)
    by_score = judgement.regions if judgement.cause.code != "known_defect" else ()
    places = [work.explained(each, work.patch_of(each.peak_score)) for each in by_score]
    return Explanation(
        judgement=judgement,
        places=tuple(places) or (work.explained(None, work.worst),),
        canvas=canvas,
        scales=(maps.distances, *(scale.plain for scale in maps.finer)),
        rebuilt=_picture(maps.told.get("rebuilt")),
        pairs=work.pairs,
        attention=(attention := work.attention()),
        mute=not attention and _on_transformer(recipe),
    )


class _Explaining:
    """What is known of one judged canvas."""

    def __init__(self, recipe: Recipe, layout: CanvasLayout, maps: models.PatchMaps) -> None:
        self.recipe, self.layout, self.maps = recipe, layout, maps
        self.found = models.score(maps, layout.valid, recipe.settings.scoring)
        self.grids = [maps.distances.shape, *(scale.plain.shape for scale in maps.finer)]

    @property
    def pairs(self) -> bool:
        """Whether the recipe says where good patches came from, and which of them is nearest can be known."""
        origins = self.recipe.origins
        return (
            origins is not None and ("points_0" if origins.points else "near_0") in self.maps.told
        )

    def attention(self) -> tuple[Attention, ...]:
        """Where the network looks at each scale, as far as its program tells."""
        planes = [self.maps.told.get(f"attention_{k}") for k in range(len(self.grids))]
        return tuple(
            Attention(
                scale=k, shares=plane, most=self._place(_cell(int(plane.argmax()), plane.shape), k)
            )
            for k, plane in enumerate(planes)
            if plane is not None
        )

    @property
    def worst(self) -> tuple[int, int]:
        """The worst patch of the coarsest grid."""
        inspected = models.to_grid(self.layout.valid, *self.grids[0])
        plane = np.where(inspected, self.found.scored, -np.inf)
        return _cell(int(plane.argmax()), plane.shape)

    def patch_of(self, peak_score: float) -> tuple[int, int]:
        """The patch of the coarsest grid that brought a region to its peak."""
        missed = np.abs(self.found.scored + self.found.offset - peak_score)
        return _cell(int(missed.argmin()), missed.shape)

    def explained(self, region: Region | None, at: tuple[int, int]) -> Explained:
        """Take the score of a patch apart, and name what it is most like at the scale that spoke."""
        scoring = self.recipe.settings.scoring
        shares = models.shares(self.maps, self.layout.valid, scoring, at)
        measure = max((name for name in shares if name != "whole"), key=lambda name: shares[name])
        scale = int(measure.partition("_")[2])
        patch = self._worst_within(at, scale)
        return Explained(
            region=region,
            score=sum(shares.values()),
            shares=shares,
            measure=measure,
            scale=scale,
            patch=self._place(patch, scale),
            nearest=self._nearest(patch, scale),
        )

    def _worst_within(self, at: tuple[int, int], scale: int) -> tuple[int, int]:
        """The patch itself, or the worst inspected one of a finer scale within it."""
        if scale == 0:
            return at
        plane = self.maps.finer[scale - 1].density
        inspected = models.to_grid(self.layout.valid, *plane.shape)
        down, across = plane.shape[0] // self.grids[0][0], plane.shape[1] // self.grids[0][1]
        top, left = at[0] * down, at[1] * across
        window = np.where(inspected, plane, -np.inf)[top : top + down, left : left + across]
        row, column = _cell(int(window.argmax()), window.shape)
        return top + row, left + column

    def _nearest(self, patch: tuple[int, int], scale: int) -> NearestPatch | None:
        origins = self.recipe.origins
        if not self.pairs or origins is None:
            return None
        index = patch[0] * self.grids[scale][1] + patch[1]
        row, distance = self._nearest_row(origins, index, scale)
        picture, there = origins.scales[scale][row]
        place = _cell(int(there), self.grids[scale])
        return NearestPatch(
            picture=origins.pictures[picture],
            number=int(picture),
            of=len(origins.pictures),
            place=self._place(place, scale),
            distance=distance,
        )

    def _nearest_row(self, origins: Origins, index: int, scale: int) -> tuple[int, float]:
        """The good patch nearest to one of the part's, and how far it is: told, or searched here."""
        told = self.maps.told
        if not origins.points:
            return int(told[f"near_{scale}"][index, 0]), float(told[f"distance_{scale}"][index, 0])
        apart = np.linalg.norm(origins.points[scale] - told[f"points_{scale}"][index], axis=1)
        return int(apart.argmin()), float(apart.min())

    def _place(self, patch: tuple[int, int], scale: int) -> Place:
        canvas, grid = self.recipe.settings.canvas, self.grids[scale]
        height, width = canvas.height_px // grid[0], canvas.width_px // grid[1]
        y, x = patch[0] * height, patch[1] * width
        window = self.layout.placement
        down = (y + height / 2 - window.top_px) / window.height_px
        across = (x + width / 2 - window.left_px) / window.width_px
        return Place(x_px=x, y_px=y, width_px=width, height_px=height, words=_words(down, across))


def _on_transformer(recipe: Recipe) -> bool:
    """Whether a recipe's card says that its maps are of one stride: blocks of a vision transformer."""
    strides = recipe.settings.model.get("strides", [])
    return len(strides) == 2 and strides[0] == strides[1]


def _words(down: float, across: float) -> str:
    """Where in a picture, in words; shares of its height and width."""
    row, column = (min(2, max(0, int(3 * share))) for share in (down, across))
    return "middle" if row == column == 1 else f"{ROWS[row]} {COLUMNS[column]}"


def _cell(index: int, grid: tuple[int, ...]) -> tuple[int, int]:
    row, column = np.unravel_index(index, grid)
    return int(row), int(column)


def _picture(planes: NDArray[np.float32] | None) -> Image | None:
    """RGB planes (3, h, w) in 0..1 as a picture (h, w, 3)."""
    if planes is None:
        return None
    return np.asarray(np.clip(255 * planes.transpose(1, 2, 0) + 0.5, 0, 255), dtype=np.uint8)
