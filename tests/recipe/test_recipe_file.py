"""The recipe file: whole or refused, and never half-written."""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import os
import pickle
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from inspection.errors import RecipeError
from inspection.judging.judge import check_parity, inspect, load_recipe
from inspection.recipe import PARITY_TOLERANCE, Recipe, check_place, open_recipe, write_recipe
from inspection.recipe import recipe_file as recipes
from models import load_program
from models._program import read_model, to_bytes

MEMBERS = {"recipe.json", "model.xml", "model.bin", "arrays.npz", "origins.npz", "SHA256SUMS"}
CHANGES = 60


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[bytes], str]:
    """Open bytes that are no recipe; give the message after the file's name."""
    path = tmp_path / "bad.recipe"

    def refuse(data: bytes) -> str:
        path.write_bytes(data)
        with pytest.raises(RecipeError) as caught:
            open_recipe(path)
        text = str(caught.value)
        assert text.startswith(f"recipe {path}: "), text
        assert "\n" not in text
        return text.removeprefix(f"recipe {path}: ")

    return refuse


@pytest.fixture
def members(recipe: Any) -> dict[str, bytes]:
    return dict(recipe.members())


def sealed(members: dict[str, bytes]) -> bytes:
    """Put members in a file with right hashes and a right seal: foreign, but not damaged."""
    content = {name: data for name, data in members.items() if name != recipes.SUMS}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(content.items())}
    content[recipes.SUMS] = "".join(f"{value}  {name}\n" for name, value in sums.items()).encode()
    return recipes._archive(content)


def test_what_was_written_is_what_is_opened(recipe: Any, line: Any, tmp_path: Path) -> None:
    path = tmp_path / "again.recipe"
    before = recipe.id
    assert write_recipe(open_recipe(line.recipe_path), path).id == before
    assert open_recipe(path).members() == open_recipe(line.recipe_path).members()
    again = open_recipe(path)
    assert again.id == before == line.trained["recipe_id"]
    assert asdict(again.settings) == asdict(recipe.settings)
    assert (again.scores == recipe.scores).all()
    assert (np.diff(again.scores) >= 0).all()
    assert again.program_bytes == recipe.program_bytes
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_a_plain_zip_with_the_hash_of_every_member(line: Any) -> None:
    with zipfile.ZipFile(line.recipe_path) as archive:
        infos = archive.infolist()
        content = {info.filename: archive.read(info) for info in infos}
    references = {name for name in content if name.startswith("reference_")}
    assert set(content) == MEMBERS | references
    assert 1 <= len(references) <= 4
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
    sums = dict(reversed(row.split("  ")) for row in content["SHA256SUMS"].decode().splitlines())
    del content["SHA256SUMS"]
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    settings = json.loads(content["recipe.json"])
    assert settings["format"] == 2
    assert settings["product"] == "flange"
    assert settings["calibration"]["n_good"] == 40
    assert line.recipe_path.stat().st_size == line.trained["recipe_bytes"] < 25e6


def test_a_reopened_recipe_judges_the_same(recipe: Any, line: Any, frame_of: Any) -> None:
    again = open_recipe(line.recipe_path)
    for image in (line.good(), line.defective()):
        first, second = (inspect(frame_of(image), each) for each in (recipe, again))
        assert (first.score, first.p_value, first.regions) == (
            second.score, second.p_value, second.regions,
        )  # fmt: skip
    assert check_parity(again) <= 1e-3


def test_any_flipped_byte_is_seen(line: Any, refused: Callable[[bytes], str]) -> None:
    data = line.recipe_path.read_bytes()
    for place in _places(data):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        assert refused(bytes(changed)), place


def test_any_flipped_bit_of_the_headers_is_seen(line: Any, refused: Callable[[bytes], str]) -> None:
    data = line.recipe_path.read_bytes()
    rng = np.random.default_rng(1)
    places = _header_places(data)
    for place in rng.choice(places, CHANGES, replace=False):
        changed = bytearray(data)
        changed[place] ^= 1 << int(rng.integers(8))
        assert refused(bytes(changed)), place


def test_a_damaged_member_is_named(line: Any, refused: Callable[[bytes], str]) -> None:
    data = line.recipe_path.read_bytes()
    with zipfile.ZipFile(line.recipe_path) as archive:
        starts = {info.filename: info.header_offset for info in archive.infolist()}
    for name, start in starts.items():
        changed = bytearray(data)
        changed[start + 30 + len(name) + 40] ^= 1
        assert f"member {name} is damaged" in refused(bytes(changed))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99, 0.999999])
def test_a_truncated_file_is_refused(
    share: float, line: Any, refused: Callable[[bytes], str]
) -> None:
    data = line.recipe_path.read_bytes()
    assert "damaged" in refused(data[: int(share * len(data))])


def test_bytes_before_or_behind_it_are_refused(line: Any, refused: Callable[[bytes], str]) -> None:
    data = line.recipe_path.read_bytes()
    assert refused(b"#!/bin/sh\n" + data)
    assert refused(data + b"\0")


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(200), bytes(5000)])
def test_what_is_no_zip_is_refused(data: bytes, refused: Callable[[bytes], str]) -> None:
    assert refused(data).startswith("not a recipe, or damaged")


def test_another_zip_is_refused(refused: Callable[[bytes], str]) -> None:
    text = refused(recipes._archive({"notes.txt": b"hello"}))
    assert text == "not a recipe, or damaged; member SHA256SUMS is missing"


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot be read \(Is a directory\)"):
        open_recipe(tmp_path)
    with pytest.raises(RecipeError, match=r"cannot be read \(No such file or directory\)"):
        open_recipe(tmp_path / "none.recipe")


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "folder/evil", "..\\evil", "..", "C:\\evil"]
)
def test_a_member_that_would_leave_the_folder_is_refused(
    name: str, members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    assert f"member {name!r} is no plain file name" in refused(sealed(members | {name: b"x"}))


def test_compressed_members_are_refused_before_they_are_read(
    members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data if name != "arrays.npz" else bytes(100_000_000))
    assert "is compressed or larger than the file" in refused(bomb.getvalue())


def test_a_member_said_to_be_larger_than_the_file_is_refused(
    line: Any, refused: Callable[[bytes], str]
) -> None:
    data = bytearray(line.recipe_path.read_bytes())
    with zipfile.ZipFile(line.recipe_path) as archive:
        entry = archive.start_dir
    data[entry + 20 : entry + 28] = (2**31).to_bytes(4, "little") * 2
    text = refused(bytes(data))
    assert f"larger than the file ({2**31} bytes)" in text


def test_a_member_said_to_reach_beyond_the_end_is_refused(
    members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    data = bytearray(sealed(members))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 20 : entry + 28] = (len(data) - 100).to_bytes(4, "little") * 2
    assert refused(bytes(data)) == "member SHA256SUMS is damaged (it ends too early)"


def test_a_file_of_senseless_size_is_refused_unread(
    tmp_path: Path, refused: Callable[[bytes], str]
) -> None:
    path = tmp_path / "huge.recipe"
    with path.open("wb") as file:
        file.truncate(recipes.MAX_FILE_BYTES + 1)
    with pytest.raises(RecipeError, match=f"the limit is {recipes.MAX_FILE_BYTES} bytes"):
        open_recipe(path)


def test_too_many_members_are_refused(
    members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    many = {f"x{n}": b"" for n in range(recipes.MAX_MEMBERS)}
    assert f"at most {recipes.MAX_MEMBERS} are allowed" in refused(sealed(members | many))


def test_a_newer_format_asks_for_a_newer_program(
    members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    text = refused(_with_settings(members, format=99, something_new=True))
    assert text == "format 99, this program reads up to 2; install a newer program"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"colour_of_the_door": "red"}, "colour_of_the_door: unknown key"),
        ({"level": "high"}, "level: "),
        ({"canvas": None}, "canvas: "),
    ],
)
def test_settings_that_are_not_ours_are_named(
    changes: dict[str, Any],
    expected: str,
    members: dict[str, bytes],
    refused: Callable[[bytes], str],
) -> None:
    text = refused(_with_settings(members, **changes))
    assert text.startswith(f"member recipe.json: {expected}")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_settings_that_are_no_json_object_are_refused(
    data: bytes, members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    text = refused(sealed(members | {"recipe.json": data}))
    assert text.startswith("member recipe.json is not readable")


@pytest.mark.parametrize("name", ["recipe.json", "model.xml", "model.bin", "arrays.npz"])
def test_a_missing_member_is_named(
    name: str, members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    without = {each: data for each, data in members.items() if each != name}
    text = f"not a recipe, or damaged; member {name} is missing"
    assert refused(sealed(without)) == text
    assert refused(recipes._archive(without)) == text


def test_a_missing_reference_is_named(
    members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    del members["reference_0.png"]
    assert refused(sealed(members)) == "member reference_0.png is missing"


def test_a_reference_that_is_no_picture_is_named(
    members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    text = refused(sealed(members | {"reference_0.png": b"no picture"}))
    assert text.startswith("member reference_0.png is not readable")


class Trap:
    """Leaves a trace when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.putenv, ("INSPECTION_TRAP", "sprung"))


def _arrays(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _damaged_inside() -> bytes:
    """Its deflated bytes are no deflated bytes, which zlib tells in an error of its own."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, scores=np.zeros(5), mean=np.zeros(1), spread=np.ones(1))
    data = bytearray(buffer.getvalue())
    start = data.index(b"scores.npy") + len(b"scores.npy") + 20
    data[start : start + 8] = b"\xff" * 8
    return bytes(data)


def _lone_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _arrays(scores=np.array([Trap()], dtype=object), mean=np.zeros(1), spread=np.ones(1)),
        pickle.dumps(Trap()),
        _arrays(mean=np.zeros(1), spread=np.ones(1)),
        _lone_array(),
        b"",
        b"PK\x03\x04 no zip",
        _damaged_inside(),
    ],
    ids=["pickled array", "pickle", "scores missing", "one array", "empty", "broken", "damaged"],
)
def test_arrays_that_are_not_plain_arrays_are_refused(
    data: bytes, members: dict[str, bytes], refused: Callable[[bytes], str]
) -> None:
    text = refused(sealed(members | {"arrays.npz": data}))
    assert text.startswith("member arrays.npz is not readable")


def test_a_program_that_is_none_is_refused_when_it_is_compiled(
    members: dict[str, bytes], tmp_path: Path, failure: Callable[..., str], line: Any
) -> None:
    path = tmp_path / "foreign.recipe"
    path.write_bytes(sealed(members | {"model.xml": b"<net>"}))
    text = failure("inspect", path, line.dataset / "test" / "good")
    assert text.startswith("program: OpenVINO cannot read it")


@pytest.mark.parametrize("threshold", [0.0, -0.5])
def test_a_threshold_near_zero_leaves_room_for_rounding(recipe: Any, threshold: float) -> None:
    calibration = replace(recipe.settings.calibration, threshold=threshold)
    settings = replace(recipe.settings, calibration=calibration)
    made = Recipe(
        settings, scores=recipe.scores, appearance=recipe.appearance,
        program=recipe.program_bytes, references=recipe.references,
    )  # fmt: skip
    assert check_parity(made) <= PARITY_TOLERANCE


def test_a_recipe_that_scores_otherwise_here_is_refused(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    settings = json.loads(members["recipe.json"])
    settings["references"][0]["score"] *= 1.01
    path = tmp_path / "other.recipe"
    path.write_bytes(sealed(members | {"recipe.json": json.dumps(settings).encode()}))
    with pytest.raises(
        RecipeError, match=r"reference_0\.png scores .* when trained; at most [\d.]+ more or less"
    ):
        check_parity(open_recipe(path))


def test_a_recipe_that_knows_no_directions_tells_no_embedding(
    members: dict[str, bytes], tmp_path: Path
) -> None:
    with np.load(io.BytesIO(members["arrays.npz"])) as arrays:
        older = {name: arrays[name] for name in ("scores", "mean", "spread")}
    file = io.BytesIO()
    np.savez(file, **older)
    path = tmp_path / "older.recipe"
    path.write_bytes(sealed(members | {"arrays.npz": file.getvalue()}))
    assert open_recipe(path).appearance.embedding(older["mean"]) == {}


NEWER = {"review_asked", "review_estimated", "review_ci95"}
"""Fields of the calibration that format 1 had not."""


def _with_detail(members: dict[str, bytes], value: float) -> dict[str, bytes]:
    """The program as format 1 had it: `distances`, `descriptor` and, twice as fine, `detail`."""
    model = read_model(members["model.xml"], members["model.bin"])
    outputs = {min(output.names): output for output in model.outputs}
    assert set(outputs) == {"distances", "descriptor"}
    _, height, width = outputs["distances"].get_shape()
    detail = np.zeros((1, 2 * height, 2 * width), np.float32)
    detail[0, 3, 5] = value
    again = openvino.Model(
        [
            *(ops.result(outputs[name].get_node().input_value(0)) for name in outputs),
            ops.result(ops.constant(detail)),
        ],
        model.get_parameters(),
        "patchcore",
    )
    for output, name in zip(again.outputs, [*outputs, "detail"], strict=True):
        output.get_tensor().set_names({name})
    xml, weights = to_bytes(again)
    return {"model.xml": xml, "model.bin": weights}


def test_a_recipe_of_format_1_is_judged_as_it_was(
    recipe: Any, members: dict[str, bytes], tmp_path: Path, line: Any, frame_of: Any, spotted: Any
) -> None:
    """One scale, distances smoothed over neighbours, detail that is only drawn, and the old fields."""
    assert recipe.settings.model["shrinks"] == [1]
    settings = json.loads(members["recipe.json"])
    settings |= {"format": 1, "smoothing_patches": 1.25, "level": 0.5}
    del settings["fine_weight"], settings["model"]["shrinks"]
    settings["calibration"] = {
        name: value for name, value in settings["calibration"].items() if name not in NEWER
    }
    program = _with_detail(members, 7.0)
    run = load_program((program["model.xml"], program["model.bin"]))

    def formula(image: Any) -> float:
        """The score as format 1 had it."""
        canvas, _, pose = recipe.framing.canvas_of(image)
        valid = recipe.framing.placed(image.shape[:2], pose).valid
        distances = run.measure(canvas)[0].distances
        size = distances.shape[::-1]
        patches = cv2.resize(valid.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        weight = patches.astype(np.float32)
        blurred, share = (cv2.GaussianBlur(p, (0, 0), 1.25) for p in (distances * weight, weight))
        around = blurred / np.maximum(share, 1e-6)
        return float(around[patches].max()) + 0.5 * float(distances[patches].mean())

    for reference in settings["references"]:
        reference["score"] = formula(recipe.references[reference["member"]])
    path = tmp_path / "old.recipe"
    path.write_bytes(sealed(members | program | {"recipe.json": json.dumps(settings).encode()}))
    old = load_recipe(path)
    assert old.parity is not None
    assert old.parity <= 1e-6
    assert old.settings.format == 1
    assert old.settings.fine_weight == 0.0
    assert old.settings.calibration.review_estimated is None
    for image in (line.good(), spotted(line.good(), 64, 100)):
        judged = inspect(frame_of(image), old)
        assert judged.score == pytest.approx(formula(image), abs=1e-6)
        assert judged.anomaly_map is not None
        assert judged.anomaly_map.detail is not None
        assert judged.anomaly_map.detail.max() == pytest.approx(7.0, rel=0.05)
    assert judged.verdict == "FAIL"
    again = write_recipe(old, tmp_path / "again.recipe")
    assert open_recipe(tmp_path / "again.recipe").id == again.id


@pytest.mark.parametrize("threshold", [-0.5, 0.0, 0.01, 4.0])
def test_a_limit_near_zero_or_below_does_not_refuse_the_recipe(
    threshold: float, members: dict[str, bytes], tmp_path: Path
) -> None:
    """Scores are deviations: no machine is to be refused because the limit happens to be small."""
    settings = json.loads(members["recipe.json"])
    settings["calibration"]["threshold"] = threshold
    path = tmp_path / "small.recipe"
    path.write_bytes(sealed(members | {"recipe.json": json.dumps(settings).encode()}))
    assert check_parity(open_recipe(path)) <= recipes.PARITY_TOLERANCE
    settings["references"][0]["score"] -= 0.1 * abs(settings["references"][0]["score"])
    path.write_bytes(sealed(members | {"recipe.json": json.dumps(settings).encode()}))
    with pytest.raises(RecipeError, match=r"reference_0\.png scores"):
        check_parity(open_recipe(path))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB, where this machine lets us mount one."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = tmp_path / "disk"
    folder.mkdir()
    if libc.mount(b"none", bytes(folder), b"tmpfs", 0, b"size=256k") != 0:
        pytest.skip(f"NOT TESTED: a full disk; mounting one: {os.strerror(ctypes.get_errno())}")
    yield folder
    assert libc.umount(bytes(folder)) == 0


def test_a_full_disk_keeps_the_earlier_recipe(line: Any, small_disk: Path) -> None:
    path = small_disk / "flange.recipe"
    path.write_bytes(b"the earlier recipe")
    with pytest.raises(RecipeError) as caught:
        write_recipe(open_recipe(line.recipe_path), path)
    assert str(caught.value) == (
        f"recipe {path}: cannot be written (No space left on device); "
        "nothing was changed; free space or choose another place"
    )
    assert path.read_bytes() == b"the earlier recipe"
    assert list(small_disk.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(line: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RecipeError, match="cannot be written") as caught:
        write_recipe(open_recipe(line.recipe_path), tmp_path / "file" / "a.recipe")
    assert "\n" not in str(caught.value)
    (tmp_path / "folder.recipe").mkdir()
    with pytest.raises(RecipeError, match=r"cannot be written \(Is a directory\)"):
        write_recipe(open_recipe(line.recipe_path), tmp_path / "folder.recipe")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.recipe"}


def test_no_folder_is_made_for_a_recipe(tmp_path: Path) -> None:
    place = tmp_path / "new" / "a.recipe"
    with pytest.raises(RecipeError, match="there is no folder .*new; make it, or choose another"):
        check_place(place)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED: root may write everywhere")
def test_a_folder_without_the_right_to_write_is_named(line: Any, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(RecipeError, match=r"cannot be written \(Permission denied\)"):
        write_recipe(open_recipe(line.recipe_path), locked / "a.recipe")
    assert not any(locked.iterdir())


def _with_settings(members: dict[str, bytes], **changes: Any) -> bytes:
    settings = json.loads(members["recipe.json"]) | changes
    return sealed(members | {"recipe.json": json.dumps(settings).encode()})


def _places(data: bytes) -> list[int]:
    """Give seeded places: anywhere, in every member, and the first and last bytes."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = [
            info.header_offset + 30 + len(info.filename) + int(rng.integers(info.file_size))
            for info in archive.infolist()
        ]
    anywhere = rng.integers(0, len(data), CHANGES - len(inside)).tolist()
    return [*inside, *anywhere, 0, 1, len(data) - 65, len(data) - 64, len(data) - 1]


def _header_places(data: bytes) -> list[int]:
    """Give every byte of the local headers, the central directory and the end record."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        local = [
            place
            for info in archive.infolist()
            for place in range(info.header_offset, info.header_offset + 30 + len(info.filename))
        ]
        return local + list(range(archive.start_dir, len(data)))
