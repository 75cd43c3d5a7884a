"""Read what a picture file says of itself, and whether it is whole, before it is decoded.

The size stands in a file's first bytes: reading it there keeps a small file from asking for
gigabytes, and a decoder from filling what is missing with grey. Every problem is a ValueError whose
text follows the file's name in a message. Sources: PNG ISO/IEC 15948:2004, JPEG ITU-T T.81 (1992),
TIFF 6.0 (1992), WebP RFC 9649 (2024), BMP as in Microsoft's wingdi.h.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PICTURE_KINDS = "PNG, JPEG, BMP, TIFF or WebP"


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffPacking:
    """How the first picture of a TIFF is packed: `kind` as in tag 259, its strips or tiles.

    Each of them is `width_px` wide and must come to its `unpacked_bytes`; `tables` is what JPEG strips share.
    """

    kind: int
    strips: tuple[bytes, ...]
    unpacked_bytes: tuple[int, ...]
    width_px: int
    tables: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHeader:
    """A picture's size, and its bytes without those a decoder would stumble over."""

    width_px: int
    height_px: int
    data: bytes
    grey_with_alpha: bool = False
    is_jpeg: bool = False
    tiff: TiffPacking | None = None
    """How a TIFF is packed, where OpenCV would give pixels of a damaged one; None where it refuses."""


def read_header(data: bytes) -> PictureHeader:
    """Read the size of a picture and check that the file is whole. Raises ValueError."""
    for begins, read in _READERS.items():
        if data.startswith(begins) and (begins != b"RIFF" or data[8:12] == b"WEBP"):
            try:
                return read(data)
            except (struct.error, IndexError):
                raise ValueError(f"is cut short: its header ends after {len(data)} bytes") from None
    raise _refusal(data)


def _png(data: bytes) -> PictureHeader:
    """Check every chunk; keep the ones that make the picture, so odd colour profiles do no harm."""
    width_px, height_px, colour_type = struct.unpack_from(">II1xB", data, 16)
    kept = b"".join(
        chunk for kind, chunk in _png_chunks(data) if kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND")
    )
    grey = colour_type == 4
    return PictureHeader(
        width_px=width_px, height_px=height_px, data=data[:8] + kept, grey_with_alpha=grey
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at) if at + 8 <= len(data) else (0, b"")
        end = at + 12 + length
        if not kind or end > len(data):
            raise ValueError(f"is cut short: its IEND chunk is missing after {len(data)} bytes")
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"is damaged: the checksum of its chunk {kind!r} is wrong")
        yield kind, data[at:end]
        at = end


def _jpeg(data: bytes) -> PictureHeader:
    at, size = 2, (0, 0)
    while data[at + 1] != 0xDA:
        if data[at] != 0xFF:
            raise ValueError(f"is damaged: no JPEG marker at byte {at}")
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = struct.unpack_from(">HH", data, at + 5)
        at += _jpeg_segment_length(data, at, marker)
    if data.rfind(b"\xff\xd9", at) < 0:
        raise ValueError(f"is cut short: the JPEG end marker is missing after {len(data)} bytes")
    return PictureHeader(width_px=size[1], height_px=size[0], data=data, is_jpeg=True)


def _jpeg_segment_length(data: bytes, at: int, marker: int) -> int:
    if marker == 0xFF:
        return 1
    if marker == 0x01 or 0xD0 <= marker <= 0xD7:
        return 2
    length: int = struct.unpack_from(">H", data, at + 2)[0]
    return 2 + length


def _bmp(data: bytes) -> PictureHeader:
    start, header_size = struct.unpack_from("<II", data, 10)
    if header_size not in (12, 40, 52, 56, 64, 108, 124):
        raise _refusal(data)
    if header_size == 12:
        width_px, height_px, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = False
    else:
        width_px, height_px, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
        packed = packing not in (0, 3)
    row = (width_px * bits + 31) // 32 * 4
    if not packed:
        _need(data, start + row * abs(height_px))
    return PictureHeader(width_px=width_px, height_px=abs(height_px), data=data)


def _webp(data: bytes) -> PictureHeader:
    _need(data, struct.unpack_from("<I", data, 4)[0] + 8)
    kind = data[12:16]
    if kind == b"VP8X":
        width_px, height_px = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        packed = struct.unpack_from("<I", data, 21)[0]
        width_px, height_px = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    else:
        width_px, height_px = (v & 0x3FFF for v in struct.unpack_from("<HH", data, 26))
    return PictureHeader(width_px=width_px, height_px=height_px, data=data)


_WIDTH, _HEIGHT, _BITS, _PACKED, _COLOUR, _ROWS, _TABLES = 256, 257, 258, 259, 262, 278, 347
_PLANES, _TILE_WIDTH, _TILE_HEIGHT = 284, 322, 323
_PLAIN, PACKBITS = 1, 32773
_TIFF_PACKINGS = {_PLAIN, 2, 3, 4, 5, 7, 8, PACKBITS, 32946}
_EXTENTS = ((273, 279), (324, 325))
_TIFF_TAGS = {
    _PLANES,
    _TILE_WIDTH,
    _TILE_HEIGHT,
    _WIDTH,
    _HEIGHT,
    _BITS,
    _PACKED,
    _COLOUR,
    _ROWS,
    _TABLES,
    *(tag for pair in _EXTENTS for tag in pair),
}
_TIFF_COLOURS = {0: (1, 8), 1: (1, 8, 16), 2: (8, 16), 3: (8,), 6: (8,)}
"""The colour models white-is-0, black-is-0, RGB, palette and YCbCr, with the bits of each."""
_TIFF_SILENCED = {274: 1, 338: 1}
"""Orientation and kind of alpha: with these values the decoder leaves the pixels as they are."""


def _tiff(data: bytes) -> PictureHeader:
    """Read the first picture's directory, and keep it from turning or blending the pixels."""
    order = "<" if data[:2] == b"II" else ">"
    entries = _tiff_entries(data, order)
    value = {tag: _tiff_values(data, order, at) for tag, at in entries.items() if tag in _TIFF_TAGS}
    if _WIDTH not in value or _HEIGHT not in value:
        raise ValueError("is damaged: its TIFF directory gives no width and height")
    _check_tiff_colour(value.get(_COLOUR, [1])[0], max(value.get(_BITS, [1]), default=1))
    for starts, sizes in _EXTENTS:
        for start, size in zip(value.get(starts, []), value.get(sizes, []), strict=False):
            _need(data, start + size)
    for tag in entries.keys() & _TIFF_SILENCED.keys():
        data = _with_tiff_short(data, order, entries[tag], _TIFF_SILENCED[tag])
    width_px, height_px = value[_WIDTH][0], value[_HEIGHT][0]
    packing = None
    kind, bits = value.get(_PACKED, [_PLAIN])[0], value.get(_BITS, [1])
    if kind not in _TIFF_PACKINGS:
        raise ValueError(
            f"is a TIFF packed in a way ({kind}) that is not read; "
            "allowed: not at all (1), LZW (5), JPEG (7), Deflate (8), PackBits (32773), CCITT (2 to 4)"
        )
    if kind == PACKBITS or (kind != _PLAIN and max(bits, default=1) <= 8):
        packing = TiffPacking(
            kind=kind,
            strips=tuple(
                data[start : start + size]
                for starts, sizes in _EXTENTS
                for start, size in zip(value.get(starts, []), value.get(sizes, []), strict=False)
            ),
            unpacked_bytes=_unpacked_bytes(value),
            width_px=value.get(_TILE_WIDTH, [width_px])[0],
            tables=bytes(value.get(_TABLES, [])),
        )
    return PictureHeader(width_px=width_px, height_px=height_px, data=data, tiff=packing)


def _unpacked_bytes(value: dict[int, list[int]]) -> tuple[int, ...]:
    """What each strip or tile of a TIFF unpacks to, in bytes; planes stored apart follow each other."""
    width_px, height_px = value[_WIDTH][0], value[_HEIGHT][0]
    bits = value.get(_BITS, [1])
    apart = value.get(_PLANES, [1])[0] == 2
    bits_px = bits[0] if apart else sum(bits)
    if _TILE_WIDTH in value:
        tile = (value[_TILE_WIDTH][0] * bits_px + 7) // 8 * value.get(_TILE_HEIGHT, [0])[0]
        return (tile,) * len(value.get(_EXTENTS[1][0], []))
    rows = max(min(value.get(_ROWS, [height_px])[0], height_px), 1)
    row_bytes = (width_px * bits_px + 7) // 8
    plane = [min(rows, height_px - top) * row_bytes for top in range(0, height_px, rows)]
    return tuple(plane * (len(bits) if apart else 1))


def _with_tiff_short(data: bytes, order: str, at: int, value: int) -> bytes:
    """The file with another value in an entry, if the entry is one short number."""
    if struct.unpack_from(order + "HI", data, at + 2) != (3, 1):
        return data
    return data[: at + 8] + struct.pack(order + "H", value) + data[at + 10 :]


def _check_tiff_colour(colour: int, bits: int) -> None:
    if bits not in _TIFF_COLOURS.get(colour, ()):
        raise ValueError(
            f"is a TIFF of colour model {colour} with {bits} bits; "
            "allowed: grey (1) with 1, 8 or 16, RGB (2) with 8 or 16, palette (3) with 8"
        )


def _tiff_entries(data: bytes, order: str) -> dict[int, int]:
    """The offset in bytes of each entry of the first directory, by its tag."""
    first = struct.unpack_from(order + "I", data, 4)[0]
    count = struct.unpack_from(order + "H", data, first)[0]
    places = range(first + 2, first + 2 + 12 * count, 12)
    return {struct.unpack_from(order + "H", data, at)[0]: at for at in places}


def _tiff_values(data: bytes, order: str, at: int) -> list[int]:
    kind, count = struct.unpack_from(order + "HI", data, at + 2)
    code, size = {3: ("H", 2), 4: ("I", 4)}.get(kind, ("B", 1))
    place = at + 8
    if count * size > 4:
        place = struct.unpack_from(order + "I", data, place)[0]
    _need(data, place + count * size)
    return list(struct.unpack_from(f"{order}{count}{code}", data, place))


def _need(data: bytes, size: int) -> None:
    if len(data) < size:
        raise ValueError(f"is cut short: {len(data)} of {size} bytes")


_READERS: dict[bytes, Callable[[bytes], PictureHeader]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"BM": _bmp,
    b"RIFF": _webp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
}

_VIDEOS = {
    b"\x1a\x45\xdf\xa3": "Matroska or WebM",
    b"FLV\x01": "Flash",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "Windows Media",
    b"\x00\x00\x01\xba": "MPEG",
    b"\x00\x00\x01\xb3": "MPEG",
    b"OggS": "Ogg",
}
_OTHERS = {b"GIF8": "GIF", b"%PDF": "PDF", b"\x00\x00\x00\x0cjP  ": "JPEG 2000"}
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heif", b"mif1", b"msf1")


def _refusal(data: bytes) -> ValueError:
    """An error that says what a file is, if it is no picture we read."""
    video, other = _video(data), _other(data)
    if video:
        return ValueError(f"is a video ({video}), not a picture; allowed: {PICTURE_KINDS}")
    if other:
        return ValueError(f"is a {other} file; allowed: {PICTURE_KINDS}")
    return ValueError(f"is not a picture (begins with {data[:8]!r}); allowed: {PICTURE_KINDS}")


def _video(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "AVI"
    if data[4:8] in (b"moov", b"mdat", b"wide") or (data[4:8] == b"ftyp" and not _other(data)):
        return "MP4 or QuickTime"
    if len(data) > 376 and data[0] == data[188] == data[376] == 0x47:
        return "MPEG transport stream"
    return next((name for begins, name in _VIDEOS.items() if data.startswith(begins)), None)


def _other(data: bytes) -> str | None:
    if data[4:8] == b"ftyp" and data[8:12] in _STILL_BRANDS:
        return "HEIF or AVIF"
    return next((name for begins, name in _OTHERS.items() if data.startswith(begins)), None)
