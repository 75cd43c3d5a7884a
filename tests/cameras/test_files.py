"""Reading picture files: what is accepted, and one plain line for what is not."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from cameras import ImageFileError, decode_image, read_image
from cameras._picture_files import reading as files

ALLOWED = "PNG, JPEG, BMP, TIFF or WebP"
MANUAL = Path(__file__).parents[2] / "docs" / "cameras.md"


def _picture(height: int = 40, width: int = 56) -> NDArray[np.uint8]:
    rng = np.random.Generator(np.random.PCG64(0))
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


def _encoded(suffix: str, image: NDArray[Any] | None = None) -> bytes:
    rgb = _picture() if image is None else image
    if rgb.ndim == 3:
        rgb = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR if rgb.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    return cv2.imencode(suffix, rgb)[1].tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_of_size(width: int, height: int) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", b"") + _chunk(b"IEND", b"")


def _refusal(path: Path, **settings: int) -> str:
    """Read a file that must be refused; give the message after the file's name."""
    with pytest.raises(ImageFileError) as caught:
        read_image(path, **settings)
    text = str(caught.value)
    assert text.startswith(f"picture {path} ")
    assert "\n" not in text
    return text.removeprefix(f"picture {path} ")


def _refused(tmp_path: Path, data: bytes, name: str = "a.png", **settings: int) -> str:
    path = tmp_path / name
    path.write_bytes(data)
    return _refusal(path, **settings)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_lossless_kinds_give_rgb(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(_encoded(suffix))
    image = read_image(path)
    assert image.shape == (40, 56, 3)
    assert image.dtype == np.uint8
    assert np.array_equal(image, _picture())


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_kinds_give_rgb(suffix: str) -> None:
    image = decode_image(_encoded(suffix), "a")
    assert image.shape == (40, 56, 3)
    assert np.abs(image.astype(int) - _picture()).mean() < 6


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg"])
def test_grey_stays_grey(suffix: str) -> None:
    image = decode_image(_encoded(suffix, _picture()[..., 0]), "a")
    assert image.shape == (40, 56)
    assert image.dtype == np.uint8


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(_encoded(".jpg"))
    assert read_image(tmp_path / "a.png").shape == (40, 56, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_alpha_is_dropped(suffix: str) -> None:
    alpha = np.full((40, 56, 1), 9, np.uint8)
    image = decode_image(_encoded(suffix, np.concatenate([_picture(), alpha], axis=2)), "a")
    assert np.array_equal(image, _picture())


def test_alpha_of_a_grey_picture_is_dropped() -> None:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 4, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(bytes([0, 10, 255, 200, 0])))
    data = b"\x89PNG\r\n\x1a\n" + head + pixels + _chunk(b"IEND", b"")
    assert decode_image(data, "a").tolist() == [[10, 200]]


def test_palette_is_expanded() -> None:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0))
    palette = _chunk(b"PLTE", bytes([1, 2, 3, 250, 251, 252]))
    pixels = _chunk(b"IDAT", zlib.compress(bytes([0, 1, 0])))
    data = b"\x89PNG\r\n\x1a\n" + head + palette + pixels + _chunk(b"IEND", b"")
    assert decode_image(data, "a").tolist() == [[[250, 251, 252], [1, 2, 3]]]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_scaled_the_same_whatever_the_content(suffix: str) -> None:
    image = np.array([[0, 257, 1000, 32768, 65535]], np.uint16)
    assert decode_image(_encoded(suffix, image), "a").tolist() == [[0, 1, 4, 128, 255]]
    assert decode_image(_encoded(suffix, image[:, :3]), "a").tolist() == [[0, 1, 4]]


def test_16_bit_colour_keeps_its_order() -> None:
    image = np.array([[[65535, 257, 0]]], np.uint16)
    assert decode_image(_encoded(".png", image), "a").tolist() == [[[255, 1, 0]]]


def test_12_bits_in_16_fill_the_range() -> None:
    image = np.array([[0, 2048, 4095]], np.uint16)
    assert decode_image(_encoded(".png", image), "a", bits=12).tolist() == [[0, 128, 255]]


def test_a_pixel_above_the_bits_is_refused(tmp_path: Path) -> None:
    data = _encoded(".png", np.array([[5000]], np.uint16))
    text = _refused(tmp_path, data, bits=12)
    assert text == "has a pixel of 5000; 12 bits allow 4095: give more bits"


@pytest.mark.parametrize("bits", [8, 17])
def test_wrong_bits(bits: int) -> None:
    with pytest.raises(ValueError, match=rf"^bits: expected 9 to 16, got {bits}$"):
        decode_image(_encoded(".png"), "a", bits=bits)


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    data = _encoded(".tif", np.zeros((4, 4), np.float32))
    assert _refused(tmp_path, data).startswith("is a TIFF of colour model 1 with 32 bits; allowed:")


@pytest.mark.parametrize("name", ["Prüfling.png", "部品 1.png", "a\u00a0b.png"])
def test_any_name_can_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(_encoded(".png"))
    assert np.array_equal(read_image(tmp_path / name), _picture())


def test_a_name_with_a_line_break_stays_one_line(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError) as caught:
        read_image(tmp_path / "a\nb.png")
    assert (
        str(caught.value) == f"picture {str(tmp_path / 'a') + chr(10) + 'b.png'!r} does not exist"
    )


def _exif(orientation: int) -> bytes:
    entry = struct.pack(">HHIHH", 274, 3, 1, orientation, 0)
    body = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def test_orientation_of_a_jpeg_is_not_followed() -> None:
    data = _encoded(".jpg")
    turned = data[:2] + _exif(6) + data[2:]
    assert np.array_equal(decode_image(turned, "a"), decode_image(data, "a"))


def _tiff(order: str, pixels: bytes, tags: dict[int, int]) -> bytes:
    """Make a TIFF of one strip by hand."""
    count = struct.pack(order + "H", len(tags) + 2)
    every = sorted({**tags, 273: 8, 279: len(pixels)}.items())
    entries = b"".join(struct.pack(order + "HHIHH", tag, 3, 1, v, 0) for tag, v in every)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(pixels))
    return head + pixels + count + entries + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_of_a_tiff_is_not_followed(order: str) -> None:
    tags = {256: 3, 257: 2, 258: 8, 259: 1, 262: 1, 274: 6, 277: 1, 278: 2}
    image = decode_image(_tiff(order, bytes([1, 2, 3, 4, 5, 6]), tags), "a")
    assert image.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("kind_of_alpha", [0, 1, 2])
def test_alpha_of_a_tiff_does_not_darken_it(kind_of_alpha: int) -> None:
    tags = {256: 2, 257: 1, 258: 8, 259: 1, 262: 2, 277: 4, 278: 1, 284: 1, 338: kind_of_alpha}
    image = decode_image(_tiff("<", bytes([200, 100, 50, 10, 20, 30, 40, 0]), tags), "a")
    assert image.tolist() == [[[200, 100, 50], [20, 30, 40]]]


@pytest.mark.parametrize(("colour", "bits"), [(5, 8), (0, 16), (1, 12), (8, 8)])
def test_tiff_of_another_colour_model_is_refused(tmp_path: Path, colour: int, bits: int) -> None:
    tags = {256: 2, 257: 1, 258: bits, 259: 1, 262: colour, 277: 1, 278: 1}
    text = _refused(tmp_path, _tiff("<", bytes(16), tags))
    assert text.startswith(f"is a TIFF of colour model {colour} with {bits} bits; allowed: grey")


def test_white_is_zero_is_turned_round() -> None:
    tags = {256: 2, 257: 1, 258: 8, 259: 1, 262: 0, 277: 1, 278: 1}
    assert decode_image(_tiff("<", bytes([0, 55]), tags), "a").tolist() == [[255, 200]]


def test_missing_file(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "gone.png") == "does not exist"


def test_folder(tmp_path: Path) -> None:
    assert _refusal(tmp_path) == f"is a folder; give one file: {ALLOWED}"


def test_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert _refusal(tmp_path / "pipe.png") == "is a pipe or device, not a file"


def test_empty_file(tmp_path: Path) -> None:
    assert _refused(tmp_path, b"") == f"is empty (0 bytes); allowed: {ALLOWED}"


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"hello world", "b'hello wo'"),
        (b"BMW makes cars, and this is no bitmap", "b'BMW make'"),
        (b"RIFF\0\0\0\0WAVEfmt ", r"b'RIFF\x00\x00\x00\x00'"),
        (b"\0" * 600, r"b'\x00\x00\x00\x00\x00\x00\x00\x00'"),
        (b"x", "b'x'"),
    ],
)
def test_not_a_picture(tmp_path: Path, data: bytes, shown: str) -> None:
    text = _refused(tmp_path, data)
    assert text == f"is not a picture (begins with {shown}); allowed: {ALLOWED}"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GIF89a\1\0\1\0", "GIF"),
        (b"%PDF-1.7", "PDF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "HEIF or AVIF"),
    ],
)
def test_kinds_that_are_not_read_are_named(tmp_path: Path, data: bytes, kind: str) -> None:
    assert _refused(tmp_path, data) == f"is a {kind} file; allowed: {ALLOWED}"


def test_video_made_by_opencv(tmp_path: Path) -> None:
    path = tmp_path / "line.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    assert writer.isOpened()
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    assert _refusal(path) == f"is a video (AVI), not a picture; allowed: {ALLOWED}"
    path.rename(tmp_path / "line.png")
    assert _refusal(tmp_path / "line.png").startswith("is a video (AVI), not a picture;")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0", "MP4 or QuickTime"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "MP4 or QuickTime"),
        (b"\x1a\x45\xdf\xa3\1\0\0\0", "Matroska or WebM"),
        (b"\0\0\1\xba\x44\0\4\0", "MPEG"),
        ((b"G" + bytes(187)) * 4, "MPEG transport stream"),
    ],
)
def test_videos_are_told_from_pictures(tmp_path: Path, data: bytes, kind: str) -> None:
    text = _refused(tmp_path, data)
    assert text == f"is a video ({kind}), not a picture; allowed: {ALLOWED}"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("kept", [0.04, 0.3, 0.6, 0.97])
def test_truncated_file(
    tmp_path: Path, suffix: str, kept: float, capfd: pytest.CaptureFixture[str]
) -> None:
    data = _encoded(suffix)
    text = _refused(tmp_path, data[: int(kept * len(data))], f"a{suffix}")
    assert text.startswith("is cut short: ")
    assert capfd.readouterr() == ("", "")


def test_truncated_jpeg_says_what_is_missing(tmp_path: Path) -> None:
    data = _encoded(".jpg")[:-2]
    text = _refused(tmp_path, data)
    assert text == f"is cut short: the JPEG end marker is missing after {len(data)} bytes"


def test_end_marker_of_a_thumbnail_does_not_count(tmp_path: Path) -> None:
    data = _encoded(".jpg")
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    whole = data[:2] + thumbnail + data[2:]
    assert decode_image(whole, "a").shape == (40, 56, 3)
    assert _refused(tmp_path, whole[:-40]).startswith("is cut short: the JPEG end marker")


def test_bytes_after_a_whole_picture_do_no_harm() -> None:
    for suffix in (".jpg", ".png", ".bmp"):
        assert decode_image(_encoded(suffix) + bytes(100), "a").shape == (40, 56, 3)


def test_png_without_its_end(tmp_path: Path) -> None:
    data = _encoded(".png")[:-12]
    text = _refused(tmp_path, data)
    assert text == f"is cut short: its IEND chunk is missing after {len(data)} bytes"


def test_png_with_a_flipped_bit(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(_encoded(".png"))
    data[len(data) // 2] ^= 1
    text = _refused(tmp_path, bytes(data))
    assert text == "is damaged: the checksum of its chunk b'IDAT' is wrong"
    assert capfd.readouterr() == ("", "")


def test_png_whose_pixels_cannot_be_unpacked(tmp_path: Path) -> None:
    assert _refused(tmp_path, _png_of_size(8, 8)) == "is damaged: it cannot be decoded"


def test_odd_colour_profile_is_not_the_users_worry(capfd: pytest.CaptureFixture[str]) -> None:
    data = _encoded(".png")
    profile = _chunk(b"iCCP", b"x\0\0" + zlib.compress(b"nonsense"))
    image = decode_image(data[:33] + profile + data[33:], "a")
    assert np.array_equal(image, _picture())
    assert capfd.readouterr() == ("", "")


def test_too_wide_is_refused_before_decoding(tmp_path: Path) -> None:
    text = _refused(tmp_path, _png_of_size(20_000, 10))
    assert text == "is 20000 x 10 pixels; the limit is 16384 pixels a side"


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    text = _refused(tmp_path, _png_of_size(9_000, 9_000))
    assert text == "is 9000 x 9000 pixels, 81.0 megapixels; the limit is 64"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".webp"])
def test_size_is_read_from_every_kind_of_header(tmp_path: Path, suffix: str) -> None:
    text = _refused(tmp_path, _encoded(suffix), max_pixels=2000)
    assert text == "is 56 x 40 pixels, 0.0 megapixels; the limit is 0.002"
    assert decode_image(_encoded(suffix), "a", max_pixels=2240).shape == (40, 56, 3)


def test_a_really_wide_picture_is_refused(tmp_path: Path) -> None:
    data = _encoded(".jpg", np.zeros((8, 20_000), np.uint8))
    assert _refused(tmp_path, data) == "is 20000 x 8 pixels; the limit is 16384 pixels a side"


def test_no_pixels(tmp_path: Path) -> None:
    assert _refused(tmp_path, _png_of_size(0, 5)) == "is 0 x 5 pixels; expected at least 1 x 1"


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)
    assert _refusal(path) == "is too large: 536870913 bytes; the limit is 536870912 bytes"


def test_limits_are_in_the_manual() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    assert f"{files.MAX_SIDE_PX} pixels" in text
    assert f"{files.MAX_PIXELS // 1_000_000} megapixels" in text
    assert f"{files.MAX_FILE_BYTES // 2**20} MB" in text
    assert [suffix for suffix in files.IMAGE_SUFFIXES if f"`{suffix}`" not in text] == []


def _packed(kind: str, image: NDArray[Any]) -> bytes:
    """A picture as a JPEG or as a TIFF packed in one of the ways there are, written by Pillow."""
    rgb = image if image.ndim == 2 else image[..., ::-1]
    data = io.BytesIO()
    if kind == "jpeg":
        Image.fromarray(rgb).save(data, "JPEG", quality=92)
    else:
        more = {"quality": 92} if kind == "tiff_jpeg" else {}
        Image.fromarray(rgb).save(data, "TIFF", compression=PILLOW.get(kind, kind), **more)
    return data.getvalue()


PILLOW = {"tiff_jpeg": "jpeg"}
KINDS = ("jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits", "tiff_jpeg")


def _photo() -> NDArray[np.uint8]:
    noise = np.random.default_rng(4).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_an_intact_picture_has_the_pixels_opencv_gives(kind: str, channels: int) -> None:
    image = _photo() if channels == 3 else _photo()[..., 0]
    data = _packed(kind, image)
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    expected = stored if stored.ndim == 2 else cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    assert np.array_equal(decode_image(data, "a"), expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_decoder_complains_of_is_no_picture(
    kind: str, channels: int, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = _packed(kind, _photo() if channels == 3 else _photo()[..., 0])
    chance = random.Random(f"{kind} {channels}")
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(len(data) // 3, len(data) - 200)] = chance.randrange(256)
        capfd.readouterr()
        try:
            decode_image(bytes(data), "a")
        except ImageFileError:
            refused += 1
        else:
            said = capfd.readouterr().err.splitlines()
            assert not [line for line in said if "Directory" not in line]  # its tags are no pixels
    assert refused >= 5


def test_a_jpeg_with_bytes_missing_in_the_middle_is_no_picture(tmp_path: Path) -> None:
    data = _packed("jpeg", _photo())
    cut = data[: len(data) // 2] + data[len(data) // 2 + 400 :]
    assert "is damaged: Corrupt JPEG data" in _refused(tmp_path, cut)


def test_tiles_and_planes_of_packbits_are_whole(tmp_path: Path) -> None:
    image = _photo()
    for settings in ({"tile": (32, 48)}, {"planarconfig": "separate"}, {"rowsperstrip": 7}):
        path = tmp_path / "a.tif"
        given = image.transpose(2, 0, 1) if "planarconfig" in settings else image
        tifffile.imwrite(path, given, photometric="rgb", compression="packbits", **settings)
        assert np.array_equal(read_image(path), image), settings


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert _refusal(tmp_path / "a.png") == "is a pipe or device, not a file"
    assert _refusal(Path("/dev/zero")) == "is a pipe or device, not a file"
