"""The recipe: one file that holds all a station needs to judge a product. [contract]

A stored (uncompressed) zip. `SHA256SUMS` lists the hash of every other member, and the recipe's id is
the hash of that list. The zip comment holds the hash of all bytes before it, so that no flipped
byte goes unseen. Nothing in it is code; arrays are .npz without pickle.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

import models
from cameras import CameraError, decode_image
from inspection.durable_files import replace_file
from inspection.errors import RecipeError
from inspection.outside import ARCHIVE_FAULTS, Refused, read_file, read_json
from inspection.recipe.calibration import Calibration
from inspection.recipe.framing import Framing
from inspection.recipe.geometry import Canvas
from inspection.recipe.image_health import NO_DIRECTIONS, GlobalAppearance, Limits
from inspection.recipe.labelled import Labelled
from inspection.recipe.origins import Origins
from inspection.recipe.setup_file import STRICT, Setup, first_problem

FORMAT = 2
SUMS, SETTINGS, ARRAYS = "SHA256SUMS", "recipe.json", "arrays.npz"
PROGRAM = ("model.xml", "model.bin")
TILE_PROGRAM = ("tile.xml", "tile.bin")
"""Only in recipes of pictures too large to be looked at in one piece."""
TEMPLATE = "template.png"
"""Only in recipes that compare every picture with the same one."""
ORIGINS = "origins.npz"
"""Only in recipes of models that keep good patches, from 0.1 on."""
LABELLED = "labelled.npz"
"""Only in recipes that learnt from labelled bad parts."""
MARK = b"inspection recipe sha256:"
MAX_FILE_BYTES = 512 * 2**20
MAX_MEMBERS = 64
PARITY_TOLERANCE = 2e-3
"""Largest difference of a reference's score, as a share of the threshold, on any machine."""


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PictureSize:
    """What size the pictures must have: lowest and highest height and width allowed."""

    height_px: tuple[int, int]
    width_px: tuple[int, int]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Reference:
    """A good picture kept in the recipe with the score it must reach."""

    member: str
    score: float


@dataclass(frozen=True, config=STRICT, kw_only=True)
class RecipeSettings:
    """The content of recipe.json."""

    format: int
    product: str
    made_by: str
    setup: Setup
    picture: PictureSize
    canvas: Canvas
    smoothing_patches: float
    level: float
    fine_weight: float = 0.0
    limits: Limits
    calibration: Calibration
    references: tuple[Reference, ...]
    model: dict[str, Any]
    training: dict[str, Any]

    @property
    def scoring(self) -> models.Scoring:
        """How what the program measures becomes a score; smoothing, level and fine weight."""
        return models.Scoring(
            smoothing_patches=self.smoothing_patches,
            level=self.level,
            fine_weight=self.fine_weight,
        )


_ADAPTER = TypeAdapter(RecipeSettings)
_Read = TypeVar("_Read")


class Recipe:
    """A recipe in memory. Made by `open_recipe` or by training; never changed after.

    `scores` are the good parts' out-of-sample scores, ascending; `references` the pictures by
    member name.
    """

    def __init__(
        self,
        settings: RecipeSettings,
        *,
        scores: NDArray[np.float64],
        appearance: GlobalAppearance,
        program: tuple[bytes, ...],
        references: Mapping[str, NDArray[np.uint8]],
        template: NDArray[np.uint8] | None = None,
        origins: Origins | None = None,
        labelled: Labelled | None = None,
        recipe_id: str = "",
    ) -> None:
        self.settings = settings
        self.scores = scores
        self.appearance = appearance
        self.program_bytes = program
        self.references = references
        self.template = template
        """What every picture is compared with, where the set-up says so and they do not differ."""
        self.origins = origins
        """Where the good patches of its memories came from; None where it does not know."""
        self.labelled = labelled
        """What labelled bad parts taught; None where there were none."""
        self.id = recipe_id
        self.device = "CPU"
        """OpenVINO's device that its program runs on; not part of the file."""
        self.parity: float | None = None
        """What `load_recipe` found: the largest difference of a reference, as a share of the threshold."""

    @cached_property
    def program(self) -> models.Program | models.TiledProgram:
        """The compiled program; compiled at first use."""
        return self.telling(*(("points",) if self.labelled is not None else ()))

    def telling(self, *what: str) -> models.Program | models.TiledProgram:
        """The program compiled anew, that also tells of its patches what `models.load_program` names."""
        return models.load_program(self.program_bytes, telling=what, device=self.device)

    @cached_property
    def framing(self) -> Framing:
        """How a camera's picture is brought to the program's canvas."""
        reference = next(iter(self.references.values()))
        return Framing(self.settings.canvas, self.settings.setup, reference)

    def with_settings(self, settings: RecipeSettings) -> Recipe:
        """The same recipe with other settings, not yet written."""
        found = Recipe(
            settings,
            scores=self.scores,
            appearance=self.appearance,
            program=self.program_bytes,
            references=self.references,
            template=self.template,
            origins=self.origins,
            labelled=self.labelled,
            recipe_id=self.id,
        )
        found.device = self.device
        return found

    def with_origins(self, origins: Origins | None) -> Recipe:
        """The same recipe that knows where its memories came from, not yet written."""
        found = self.with_settings(self.settings)
        found.origins = origins
        return found

    def with_labelled(self, labelled: Labelled | None) -> Recipe:
        """The same recipe that learnt from labelled bad parts, not yet written."""
        found = self.with_settings(self.settings)
        found.labelled = labelled
        return found

    def comparing_with(self, source: Path) -> Recipe:
        """The same recipe with its templates at hand: a picture, or a folder of them.

        Raises RecipeError where it compares nothing, or there is no such file or folder.
        """
        rule = self.settings.setup.template
        if rule is None:
            raise RecipeError(
                f"recipe {self.id[:12]}: compares nothing with a template; train it with --template"
            )
        if not source.exists():
            raise RecipeError(f"template {source}: no such file or folder")
        setup = replace(self.settings.setup, template=replace(rule, source=str(source)))
        return self.with_settings(replace(self.settings, setup=setup))

    def with_template(self, template: NDArray[np.uint8]) -> Recipe:
        """The same recipe that compares every picture with this template (H, W[, 3])."""
        found = self.with_settings(self.settings)
        found.template = template
        return found

    def members(self) -> dict[str, bytes]:
        """The content of the file by member, `SHA256SUMS` last."""
        arrays = io.BytesIO()
        known = self.appearance
        np.savez(
            arrays,
            scores=self.scores, mean=known.mean, spread=known.spread, directions=known.directions,
        )  # fmt: skip
        content = {
            SETTINGS: _ADAPTER.dump_json(self.settings, indent=1),
            **dict(zip(PROGRAM + TILE_PROGRAM, self.program_bytes, strict=False)),
            ARRAYS: arrays.getvalue(),
        }
        if self.origins is not None:
            content[ORIGINS] = self.origins.to_bytes()
        if self.labelled is not None:
            content[LABELLED] = self.labelled.to_bytes()
        template = {} if self.template is None else {TEMPLATE: self.template}
        for name, image in {**self.references, **template}.items():
            stored = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            content[name] = cv2.imencode(".png", stored)[1].tobytes()
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(content.items())}
        content[SUMS] = "".join(f"{value}  {name}\n" for name, value in sums.items()).encode()
        return content


def check_place(path: Path, *, what: str = "recipe") -> None:
    """Find out before hours of work that a file cannot be written there. Raises RecipeError.

    Leaves nothing behind, nor makes a folder.
    """
    if path.is_dir():
        raise RecipeError(f"{what} {path}: is a folder; give the name of a file to write")
    there = path.absolute().parent
    if not there.is_dir():
        raise RecipeError(
            f"{what} {path}: there is no folder {there}; make it, or choose another place"
        )
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise RecipeError(_no_place(path, error, what)) from error


def write_recipe(recipe: Recipe, path: Path) -> Recipe:
    """Write the file whole or not at all; an earlier one stays until then.

    Returns the recipe with its id. Raises RecipeError when it cannot be written.
    """
    content = recipe.members()
    try:
        replace_file(path, _archive(content))
    except OSError as error:
        raise RecipeError(_no_place(path, error)) from error
    recipe.id = hashlib.sha256(content[SUMS]).hexdigest()
    return recipe


def _no_place(path: Path, error: OSError, what: str = "recipe") -> str:
    return (
        f"{what} {path}: cannot be written ({error.strerror or error}); "
        "nothing was changed; free space or choose another place"
    )


def open_recipe(path: Path) -> Recipe:
    """Read and check a recipe file. Raises RecipeError naming the member and what is wrong."""
    where = f"recipe {path}"
    content = _read_members(path, where)
    settings = _settings(content[SETTINGS], where)
    try:
        arrays = np.load(io.BytesIO(content[ARRAYS]), allow_pickle=False)
        scores = arrays["scores"]
        appearance = GlobalAppearance(
            arrays["mean"], arrays["spread"], arrays.get("directions", NO_DIRECTIONS)
        )
    except ARCHIVE_FAULTS as error:
        raise RecipeError(f"{where}: member {ARRAYS} is not readable ({error})") from error
    members = [reference.member for reference in settings.references]
    members += [TEMPLATE] if TEMPLATE in content else []
    images = {}
    for member in members:
        if member not in content:
            raise RecipeError(f"{where}: member {member} is missing")
        try:
            images[member] = decode_image(content[member], member)
        except CameraError as error:
            raise RecipeError(f"{where}: member {member} is not readable ({error})") from error
    template = images.pop(TEMPLATE, None)
    origins = _member(Origins.from_bytes, ORIGINS, content, where)
    labelled = _member(Labelled.from_bytes, LABELLED, content, where)
    return Recipe(
        settings,
        scores=scores,
        appearance=appearance,
        program=tuple(content[name] for name in PROGRAM + TILE_PROGRAM if name in content),
        references=images,
        template=template,
        origins=origins,
        labelled=labelled,
        recipe_id=hashlib.sha256(content[SUMS]).hexdigest(),
    )


def _member(
    read: Callable[[bytes], _Read], name: str, content: Mapping[str, bytes], where: str
) -> _Read | None:
    """Read a member that not every recipe has."""
    if name not in content:
        return None
    try:
        return read(content[name])
    except ValueError as error:
        raise RecipeError(f"{where}: member {name} is not readable ({error})") from error


def _archive(content: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            # When it was made stands here, outside the id: the same training gives the same id.
            archive.writestr(zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6]), data)
        archive.comment = MARK + b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def _read_members(path: Path, where: str) -> dict[str, bytes]:
    """Read every member after checking sizes, names and hashes."""
    try:
        data = read_file(path, most_bytes=MAX_FILE_BYTES)
    except OSError as error:
        raise RecipeError(f"{where}: cannot be read ({error.strerror or error})") from error
    except Refused as error:
        raise RecipeError(f"{where}: {error}") from error
    size = len(data)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except ARCHIVE_FAULTS as error:
        raise RecipeError(f"{where}: not a recipe, or damaged ({error}, {size} bytes)") from error
    with archive:
        infos = {info.filename: info for info in archive.infolist()}
        for name in (SUMS, SETTINGS, *PROGRAM, ARRAYS):
            if name not in infos:
                raise RecipeError(f"{where}: not a recipe, or damaged; member {name} is missing")
        _check_members(infos, size, where)
        content = {name: _read_member(archive, info, where) for name, info in infos.items()}
    _check_sums(content, where)
    body, seal = data[:-64], data[-64:]
    if not body.endswith(MARK) or hashlib.sha256(body).hexdigest().encode() != seal:
        raise RecipeError(f"{where}: damaged outside its members (the file's seal does not match)")
    return content


def _check_members(infos: Mapping[str, zipfile.ZipInfo], size: int, where: str) -> None:
    if len(infos) > MAX_MEMBERS:
        raise RecipeError(f"{where}: {len(infos)} members, at most {MAX_MEMBERS} are allowed")
    for name, info in infos.items():
        if Path(name).name != name or "\\" in name or name in ("", ".", ".."):
            raise RecipeError(f"{where}: member {name!r} is no plain file name")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
            raise RecipeError(
                f"{where}: member {name} is compressed or larger than the file "
                f"({info.file_size} bytes); a recipe is stored plainly"
            )


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
    try:
        return archive.read(info)
    except ARCHIVE_FAULTS as error:
        fault = str(error) or "it ends too early"  # EOFError has no words
        raise RecipeError(f"{where}: member {info.filename} is damaged ({fault})") from error


def _check_sums(content: Mapping[str, bytes], where: str) -> None:
    try:
        lines = content[SUMS].decode("ascii").splitlines()
        sums = {name: value for value, name in (line.split("  ") for line in lines)}
    except ValueError as error:
        raise RecipeError(f"{where}: member {SUMS} is damaged") from error
    for name in content.keys() | sums.keys():
        if name == SUMS:
            continue
        if name not in sums or name not in content:
            raise RecipeError(
                f"{where}: member {name} is {'missing' if name in sums else 'foreign'}"
            )
        if hashlib.sha256(content[name]).hexdigest() != sums[name]:
            raise RecipeError(f"{where}: member {name} is damaged (its hash does not match)")


def _settings(data: bytes, where: str) -> RecipeSettings:
    try:
        raw = read_json(data, most_bytes=MAX_FILE_BYTES)
        number = raw.get("format")
    except (Refused, AttributeError) as error:
        raise RecipeError(f"{where}: member {SETTINGS} is not readable ({error})") from error
    if isinstance(number, int) and number > FORMAT:
        raise RecipeError(
            f"{where}: format {number}, this program reads up to {FORMAT}; install a newer program"
        )
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError as error:
        raise RecipeError(f"{where}: member {SETTINGS}: {first_problem(error)}") from error
