"""Read picture files: the one place of the product where a picture comes from a file.

A picture is (H, W, 3) RGB uint8, or (H, W) uint8 if the file is grey. Pictures of 16 bits are
scaled to 8 by the number of bits the camera used, never by their content; transparency is dropped;
a note that the picture should be turned (EXIF orientation) is not followed, so the pixels stay
where the sensor had them; of a file with several pictures the first is read.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cameras._picture_files.headers import PICTURE_KINDS, PictureHeader, read_header
from cameras._picture_files.regular_file import read_regular
from cameras.base import CameraUnavailable, ImageFileError

IMAGE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 64_000_000
MAX_SIDE_PX = 16_384
MAX_FILE_BYTES = 512 * 1024 * 1024


def read_image(
    path: str | Path, *, max_pixels: int = MAX_PIXELS, bits: int = 16
) -> NDArray[np.uint8]:
    """Read a picture file as (H, W, 3) RGB or (H, W) mono, uint8.

    `bits` is how many of 16 bits the camera used, `max_pixels` the largest size allowed. Raises
    ImageFileError.
    """
    return decode_image(file_bytes(Path(path)), str(path), max_pixels=max_pixels, bits=bits)


def decode_image(
    data: bytes, name: str, *, max_pixels: int = MAX_PIXELS, bits: int = 16
) -> NDArray[np.uint8]:
    """Decode a picture file's bytes as `read_image` does; `name` is for messages.

    Raises ImageFileError.
    """
    check_bits(bits)
    try:
        if not data:
            raise ValueError(f"is empty (0 bytes); allowed: {PICTURE_KINDS}")
        header = read_header(data)
        _check_size(header, max_pixels)
        from cameras._picture_files.pixels import decode  # cv2 is slow to import

        return decode(header, bits)
    except ValueError as exc:
        raise ImageFileError(f"picture {one_line(name)} {exc}") from exc


def list_images(folder: str | Path) -> list[Path]:
    """The picture files right in a folder, in name order with 2 before 10.

    Raises CameraUnavailable if there is no such folder.
    """
    try:
        inside = [path for path in Path(folder).iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as exc:
        reason = exc.strerror or "cannot be read"
        raise CameraUnavailable(f"folder {one_line(str(folder))}: {reason.lower()}") from exc
    return sorted((path for path in inside if path.is_file()), key=_natural)


def check_bits(bits: int) -> None:
    """Raise ValueError, in one line, for a number of bits no 16-bit picture has."""
    if not 9 <= bits <= 16:
        raise ValueError(f"bits: expected 9 to 16, got {bits}")


def one_line(name: str) -> str:
    """A file's name as it can be shown in one line."""
    return name if name.isprintable() else repr(name)


def file_bytes(path: Path) -> bytes:
    """Read the bytes of a picture file, of which nobody knows yet whether it is one.

    Raises ImageFileError.
    """
    shown = one_line(str(path))
    try:
        return read_regular(path, most_bytes=MAX_FILE_BYTES)
    except FileNotFoundError as exc:
        raise ImageFileError(f"picture {shown} does not exist") from exc
    except IsADirectoryError as exc:
        raise ImageFileError(
            f"picture {shown} is a folder; give one file: {PICTURE_KINDS}"
        ) from exc
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise ImageFileError(f"picture {shown} cannot be read: {reason.lower()}") from exc
    except ValueError as exc:
        raise ImageFileError(f"picture {shown} {exc}") from exc


def _check_size(header: PictureHeader, max_pixels: int) -> None:
    width_px, height_px = header.width_px, header.height_px
    size = f"is {width_px} x {height_px} pixels"
    if width_px < 1 or height_px < 1:
        raise ValueError(f"{size}; expected at least 1 x 1")
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise ValueError(f"{size}; the limit is {MAX_SIDE_PX} pixels a side")
    if width_px * height_px > max_pixels:
        mega = width_px * height_px / 1e6
        raise ValueError(f"{size}, {mega:.1f} megapixels; the limit is {max_pixels / 1e6:g}")


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort text as text and numbers as numbers."""
    parts = re.split(r"(\d+)", path.name.lower())
    keys = [(1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts]
    return [*keys, (0, 0, path.name)]
