"""Folders of pictures: finding them, reading them, and what is wrong with them."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from cameras import CameraError
from inspection.errors import CannotInspect, TrainingError
from inspection.recipe.alignment import Pose
from inspection.recipe.framing import Framing
from inspection.recipe.geometry import choose_canvas
from inspection.recipe.prepare import Step
from inspection.recipe.setup_file import Setup
from inspection.recipe.template import learnt_noise
from inspection.training.needs import needs_of
from inspection.training.options import TrainingOptions
from models import Picture, Progress

if TYPE_CHECKING:
    from inspection.training.warnings import TrainingWarning

CanvasImage = NDArray[np.uint8]
Item = TypeVar("Item")
Found = TypeVar("Found")

NOISE_PAIRS = 24
"""At most so many good pictures, beside their templates, tell the noise."""

KEPT_BYTES = 96 * 2**20
"""Decoded pictures kept in memory; those beyond it are read again when needed."""

MOST_BYTES = KEPT_BYTES // 4
"""Of one picture: keeping one large one of many would save little."""

READERS = min(4, os.cpu_count() or 1)
"""Pictures decoded at once; each may be large."""

BATCH = 32
"""Pictures read between two reports of progress."""

MIN_GOOD = 5

CANVAS_MULTIPLE, FINE_MULTIPLE = 32, 16
"""Sides of the coarsest scale in px are multiples of it; of the second where there are more than two
scales: strips are narrow, and large canvases would grow by steps of many hundred pixels."""

OFF_SIZE = "off_size"
"""What `wrong_size` is called in JSON."""

NEARLY_BLACK = 32
"""Grey levels of 255: pictures whose brightest pixel is below were stored with fewer bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """What was found wrong with the pictures given; nothing is dropped but what is listed here.

    `unreadable` (file, why) and `wrong_size` (file, size) are left out; `duplicates` (groups of equal
    pictures) and `suspicious` (file, score, limit) are used, and want a person's look; `variants`
    warns that there are two kinds.
    """

    unreadable: tuple[tuple[str, str], ...] = ()
    wrong_size: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    suspicious: tuple[tuple[str, float, float], ...] = ()
    variants: tuple[TrainingWarning, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The lists under the names that `train --json` has for them."""
        lists = asdict(replace(self, variants=()))  # those stand among the warnings
        del lists["variants"]
        return {OFF_SIZE if name == "wrong_size" else name: rows for name, rows in lists.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodPicture:
    """One good picture that can be used: its size, content hash, health numbers and pose."""

    path: Path
    size_px: tuple[int, int]
    digest: bytes
    health: dict[str, float]
    pose: Pose | None = None


class GoodPictures(Sequence[Picture]):
    """The good pictures that can be used, each brought to its canvas when asked for."""

    def __init__(
        self,
        frame: Framing,
        used: list[GoodPicture],
        kept: dict[Path, CanvasImage],
        report: DataReport,
        shrinks: tuple[int, ...],
    ) -> None:
        self.framing = frame
        self.used = used
        self.report = report
        self.shrinks = shrinks
        self._kept = kept

    def __len__(self) -> int:
        return len(self.used)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Picture]: ...
    def __getitem__(self, index: int | slice) -> Picture | Sequence[Picture]:
        if isinstance(index, slice):
            return at_once(self.__getitem__, range(*index.indices(len(self))))
        raw = self.raw(index)
        return Picture(self.framing.prepared(raw.canvas), raw.valid)

    def raw(self, index: int) -> Picture:
        """A picture before the set-up's steps: defects are drawn into this one."""
        good = self.used[index]
        canvas = self._kept.get(good.path)
        if canvas is None:
            image = self.framing.setup.read_picture(good.path)
            canvas = self.framing.unmeasured_canvas_of(image)
        return Picture(canvas, self.valid(index))

    def preparing(self, steps: tuple[Step, ...]) -> GoodPictures:
        """The same pictures, prepared by other steps."""
        setup = replace(self.framing.setup, prepare=steps)
        framing = Framing(self.framing.canvas, setup, self.framing.reference)
        return GoodPictures(framing, self.used, self._kept, self.report, self.shrinks)

    def only(self, chosen: Sequence[int]) -> GoodPictures:
        """These of the pictures, by their numbers."""
        used = [self.used[i] for i in chosen]
        return GoodPictures(self.framing, used, self._kept, self.report, self.shrinks)

    def valid(self, index: int) -> NDArray[np.bool_]:
        """Which canvas pixels (H, W) of a picture count."""
        good = self.used[index]
        return self.framing.placed(good.size_px, good.pose).valid

    def distinct(self) -> NDArray[np.intp]:
        """The index (m,) of each picture that is not a copy of an earlier one."""
        first = {good.digest: i for i, good in reversed(list(enumerate(self.used)))}
        return np.array(sorted(first.values()), dtype=np.intp)

    def folds(self, *, seed: int) -> NDArray[np.intp]:
        """Put each picture in a fold (n,); equal pictures share one, so none is scored by its twin."""
        groups = {digest: i for i, digest in enumerate(dict.fromkeys(g.digest for g in self.used))}
        count = 10 if len(groups) < 150 else 5
        order = np.random.default_rng(seed).permutation(len(groups))
        return np.array([order[groups[good.digest]] % count for good in self.used], dtype=np.intp)


def read_good(
    files: list[Path],
    framing: Framing,
    *,
    shrinks: tuple[int, ...] = (1,),
    least: int = MIN_GOOD,
    progress: Progress,
) -> GoodPictures:
    """Read every picture once; list the unreadable, those of another size and the equal ones.

    Raises TrainingError when fewer different ones than `least` are left.
    """
    used: list[GoodPicture] = []
    unreadable: list[tuple[str, str]] = []
    kept: dict[Path, CanvasImage] = {}
    room, brightest = KEPT_BYTES, 0
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        for path, found in zip(batch, at_once(partial(_read, framing), batch), strict=True):
            if isinstance(found, str):
                unreadable.append((path.name, found))
                continue
            good, canvas, highest = found
            used.append(good)
            brightest = max(brightest, highest)
            if canvas is not None and canvas.nbytes <= room:
                kept[path] = canvas
                room -= canvas.nbytes
        progress("Reading", start + len(batch), len(files))
    wrong_size = _wrong_size(used)
    used = [good for good in used if good not in wrong_size]
    different = len({good.digest for good in used})
    if different < least:
        raise TrainingError(_too_few(different, len(files), least, unreadable))
    if brightest < NEARLY_BLACK:
        raise TrainingError(
            f"the good pictures are nearly black: their brightest pixel is {brightest} of 255; "
            "where 16-bit files hold fewer bits, say how many in the set-up file: bits = 12"
        )
    report = DataReport(
        unreadable=tuple(unreadable),
        wrong_size=tuple((g.path.name, f"{g.size_px[1]} x {g.size_px[0]} px") for g in wrong_size),
        duplicates=_duplicates(used),
    )
    return GoodPictures(framing, used, kept, report, shrinks)


def _read(framing: Framing, path: Path) -> tuple[GoodPicture, CanvasImage | None, int] | str:
    """Read and measure a picture: what is to be known of it, its canvas and the brightest value; or what is wrong.

    There is no canvas where it has more than MOST_BYTES: a batch of them would be gigabytes.
    """
    try:
        image = framing.setup.read_picture(path)
        canvas, numbers, pose = framing.raw_canvas_of(image)
    except (CameraError, CannotInspect) as error:
        return str(error)
    digest = picture_digest(image)
    size = (image.shape[0], image.shape[1])
    good = GoodPicture(path=path, size_px=size, digest=digest, health=numbers, pose=pose)
    return good, canvas if canvas.nbytes <= MOST_BYTES else None, int(canvas.max())


def picture_digest(image: CanvasImage) -> bytes:
    """Hash of a picture's pixels (H, W[, 3]): equal pictures have equal ones, whatever their files."""
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


def at_once(work: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """Do `work` on a few items at a time, in threads: decoding pictures leaves Python to others."""
    with ThreadPoolExecutor(READERS) as threads:
        return list(threads.map(work, items))


def first_readable(files: list[Path], setup: Setup) -> CanvasImage:
    """The first picture that can be read, (H, W, 3) RGB or (H, W) uint8. Raises TrainingError when there is none."""
    problem = ""
    for path in files:
        try:
            return setup.read_picture(path)
        except CameraError as error:
            problem = problem or str(error)
    raise TrainingError(f"none of {len(files)} pictures can be read; the first: {problem}")


def first_sizes(files: list[Path], setup: Setup) -> list[tuple[int, int]]:
    """The (height, width) seen of a spread of readable pictures, to choose the canvas from."""
    found = at_once(partial(_size, setup), files[:: max(1, len(files) // 40)])
    sizes = [size for size in found if size] or [first_readable(files, setup).shape[:2]]
    return [setup.window(size).size_px for size in sizes]


def _size(setup: Setup, path: Path) -> tuple[int, int] | None:
    """The (height, width) of a picture, or None when it cannot be read."""
    with suppress(CameraError):
        image = setup.read_picture(path)
        return image.shape[0], image.shape[1]
    return None


def _wrong_size(used: list[GoodPicture]) -> list[GoodPicture]:
    """Where nearly all pictures share one size, give those that do not."""
    if not used:
        return []
    usual, count = Counter(good.size_px for good in used).most_common(1)[0]
    if count < 0.8 * len(used):
        return []
    return [good for good in used if good.size_px != usual]


def _duplicates(used: list[GoodPicture]) -> tuple[tuple[str, ...], ...]:
    groups: dict[bytes, list[str]] = defaultdict(list)
    for good in used:
        groups[good.digest].append(good.path.name)
    return tuple(tuple(names) for names in groups.values() if len(names) > 1)


def _too_few(used: int, given: int, least: int, unreadable: list[tuple[str, str]]) -> str:
    line = f"{used} usable good pictures of {given} given; at least {least} are needed"
    line += " by this model, take more or another --model" if least > MIN_GOOD else ""
    return f"{line}; first unreadable: {unreadable[0][1]}" if unreadable else line


def with_noise(setup: Setup, files: Sequence[Path]) -> Setup:
    """The set-up with what good pairs differ by as noise, where pictures are compared with templates."""
    rule = setup.template
    if rule is None or rule.noise is not None:
        return setup

    def pairs() -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        for path in files[:: 1 + (len(files) - 1) // NOISE_PAIRS]:
            with suppress(CameraError):  # told where all are read
                yield setup.pair(path, rule)

    return replace(setup, template=replace(rule, noise=learnt_noise(pairs(), rule)))


def read_pictures(
    files: list[Path], *, options: TrainingOptions, setup: Setup, progress: Progress
) -> GoodPictures:
    """Choose the canvas from a spread of the pictures, then read and measure each once."""
    setup = with_noise(setup, files)
    first = first_readable(files, setup)
    setup = replace(setup, reference_size_px=setup.reference_size_px or first.shape[:2])
    whole = first.shape[:2]
    sizes = [setup.window(whole).size_px] if setup.align else first_sizes(files, setup)
    height_px, width_px = np.median(sizes, axis=0)
    side_px, shrinks = options.scales((float(height_px), float(width_px)))
    multiple = CANVAS_MULTIPLE if len(shrinks) <= 2 else FINE_MULTIPLE
    coarsest = choose_canvas(sizes, size_px=side_px / shrinks[0], multiple=multiple)
    framing = Framing(coarsest.times(shrinks[0]), setup, first)
    least = max(MIN_GOOD, needs_of(options).least_pictures)
    return read_good(files, framing, shrinks=shrinks, least=least, progress=progress)
