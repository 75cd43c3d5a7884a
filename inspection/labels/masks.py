"""Masks of defects painted by people: checked, kept beside the record, one file a label.

A mask is an 8-bit PNG of exactly the picture's size, 255 where the defect is and 0 elsewhere. A file
that is there is never changed: the record holds its sha256.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspection.durable_files import new_file
from inspection.errors import InspectionError

FOLDER = "labels"
LARGEST_BYTES = 8 * 2**20
PAINTED_FROM = 128
"""Of the opacity (or, in a picture without any, the brightness) a browser sends, 0 to 255."""
NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_\d{1,6}\.png", re.ASCII)
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {"RGBA": 3, "LA": 1, "L": 0, "1": 0}

Mask = NDArray[np.uint8]


class MaskError(InspectionError):
    """A mask cannot be taken or is no longer what was recorded."""


def decode(data: bytes, size_px: tuple[int, int]) -> Mask:
    """Decode an uploaded PNG to its mask, (H, W) uint8; `size_px` is the picture's (width, height).

    The size is read before anything is decoded. Raises MaskError.
    """
    if len(data) > LARGEST_BYTES:
        raise MaskError(f"mask: {len(data)} bytes; at most {LARGEST_BYTES} are allowed")
    if not data.startswith(_PNG) or len(data) < 33:
        raise MaskError("mask: is not a PNG file")
    found = struct.unpack_from(">II", data, 16)
    if found != size_px:
        raise MaskError(
            f"mask: is {found[0]} x {found[1]} px, the picture is {size_px[0]} x {size_px[1]} px"
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            picture.load()
            mode, pixels = picture.mode, np.asarray(picture)
    except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError) as error:
        raise MaskError(f"mask: cannot be read as PNG ({error})") from None
    if mode not in _CHANNELS:
        raise MaskError(f"mask: has the pixel format {mode}; allowed: {', '.join(_CHANNELS)}")
    values = pixels if pixels.ndim == 2 else pixels[..., _CHANNELS[mode]]
    painted = values if mode == "1" else values >= PAINTED_FROM
    return painted.astype(np.uint8) * np.uint8(255)


def encode(mask: Mask) -> bytes:
    """Encode a mask, (H, W) uint8, as 8-bit PNG."""
    return cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 6])[1].tobytes()


def picture_size(path: Path) -> tuple[int, int]:
    """Read a picture file's (width, height) in pixels from its header. Raises MaskError."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MaskError(f"picture {path.name}: cannot be read ({error})") from None


class Masks:
    """The folder of masks of a station."""

    def __init__(self, page_folder: Path) -> None:
        self.folder = page_folder / FOLDER

    def keep(self, part_id: str, mask: Mask, *, number: int) -> tuple[str, str]:
        """Write a mask, whole or not at all; give its file's name and sha256.

        `number` is the how manyth label of the part it belongs to; the next free one where another
        mask has that name. The same mask again is the same file.
        """
        data = encode(mask)
        while True:
            name = f"{part_id}_{number}.png"
            if not NAME.fullmatch(name):
                raise MaskError(f"mask {name!r}: is no name of a mask")
            new_file(self.folder / name, data, private=True)
            if (self.folder / name).read_bytes() == data:
                return name, hashlib.sha256(data).hexdigest()
            number += 1

    def read(self, name: str, sha256: str | None) -> bytes:
        """Read a mask's file as it was recorded. Raises MaskError for any other name or content."""
        if not NAME.fullmatch(name):
            raise MaskError(f"mask {name!r}: is no name of a mask")
        path = self.folder / name
        try:
            # Never through a link: what is given out lies in this folder.
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError as error:
            raise MaskError(f"mask {name}: cannot be read ({error.strerror})") from None
        with os.fdopen(handle, "rb") as file:
            data = file.read(LARGEST_BYTES + 1)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise MaskError(f"mask {name}: was changed; its sha256 is not the one in the record")
        return data
