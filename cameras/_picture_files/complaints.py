"""What a decoder says of a damaged picture, though it gives one: here it is an error.

OpenCV fills in what it cannot read of a JPEG or of a TIFF of 8 bits, and prints a line. These decoders
read the same pixels and raise. Every problem is a ValueError.
"""

from __future__ import annotations

import io
import warnings
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras._picture_files.headers import PACKBITS, PictureHeader, TiffPacking

DEFLATE = (8, 32946)
JPEG = 7
"""A kind of packing (tag 259) whose damage Pillow does not tell, as that of PackBits."""


def decode_jpeg(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG to (H, W, 3) RGB or (H, W); the same pixels as OpenCV's, or a ValueError."""
    import simplejpeg

    try:
        grey = simplejpeg.decode_jpeg_header(data)[2] == "Gray"
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY" if grey else "RGB")
    except ValueError as error:
        raise ValueError(f"is damaged: {_said(error)}") from error
    return np.ascontiguousarray(image[..., 0]) if grey else image


def check_tiff(header: PictureHeader) -> None:
    """Unpack a TIFF of 8 bits once more, by who tells of damage. Raises ValueError."""
    packing = header.tiff
    if packing is None:
        return
    if packing.kind == PACKBITS:
        _check_packbits(packing)
    elif packing.kind == JPEG:
        for strip in packing.strips:
            whole = packing.tables[:-2] + strip[2:] if packing.tables else strip
            if (width_px := decode_jpeg(whole).shape[1]) != packing.width_px:
                raise ValueError(
                    f"is damaged: a strip is {width_px} pixels wide, not {packing.width_px}"
                )
    elif packing.kind in DEFLATE:
        _check_deflate(packing)
    else:
        _check_by_pillow(header.data)


def _check_packbits(packing: TiffPacking) -> None:
    """Each strip must unpack to its rows, no run beyond them. Source: TIFF 6.0, section 9."""
    whole = zip(packing.strips, packing.unpacked_bytes, strict=False)
    for place, (strip, size) in enumerate(whole):
        left, at = size, 0
        while left > 0 and at < len(strip):
            count = strip[at]
            run = count + 1 if count < 128 else 257 - count if count > 128 else 0
            at += count + 2 if count < 128 else 2 if count > 128 else 1
            left -= run if at <= len(strip) else 0
        if left:
            raise ValueError(f"is damaged: its strip {place} does not unpack to {size} bytes")


def _check_deflate(packing: TiffPacking) -> None:
    for place, (strip, size) in enumerate(
        zip(packing.strips, packing.unpacked_bytes, strict=False)
    ):
        try:
            whole = len(zlib.decompressobj().decompress(strip, size)) == size
        except zlib.error:
            whole = False
        if not whole:
            raise ValueError(f"is damaged: its strip {place} does not unpack to {size} bytes")


def _check_by_pillow(data: bytes) -> None:
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture: Any = Image.open(io.BytesIO(data))
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, LookupError):
            return  # of a kind it does not read; OpenCV may
        except Warning as error:
            raise ValueError(f"is damaged: {_said(error)}") from error
        with picture:
            try:
                picture.load()
            except (OSError, ValueError, SyntaxError, EOFError, LookupError, Warning) as error:
                raise ValueError(f"is damaged: {_said(error)}") from error


def _said(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["it cannot be decoded"])[0]
