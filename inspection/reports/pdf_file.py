"""A report as PDF, A4, with the words and number of each page at its foot."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from inspection.reports.chart import pareto_drawing
from inspection.reports.letters import font_of, marked_up
from inspection.reports.pictures import RejectPicture
from inspection.reports.sections import Gallery, Pareto, Section, Sheets, Table, Text

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

MARGIN_PT, COLUMNS, GAP_PT = 42.0, 3, 8.0
SIZE_PT, SMALL_PT, HEAD_PT, TITLE_PT = 8.5, 7.5, 11.5, 16.0
GREY, LINE = 0x555555, 0xBBBBBB
FACT_PT = 110.0
FIRST = 2.2
"""So much wider the first column of a table is than each other one."""


def as_pdf(sheets: Sheets) -> bytes:
    """Write a report as PDF."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, title=sheets.title, author="", lang=sheets.language,
        leftMargin=MARGIN_PT, rightMargin=MARGIN_PT, topMargin=MARGIN_PT, bottomMargin=MARGIN_PT,
    )  # fmt: skip
    wide = float(document.width)
    story = [_paragraph(sheets.title, TITLE_PT, bold=True), _facts(sheets, wide)]
    for section in sheets.sections:
        story += _section(section, sheets, wide)
    document.build(story, canvasmaker=_numbered(sheets))
    return out.getvalue()


def _section(section: Section, sheets: Sheets, wide: float) -> Iterator[Flowable]:
    from reportlab.platypus import KeepTogether

    match section:
        case Table():
            yield KeepTogether([_heading(section.title), _table(section, wide)])
        case Pareto():
            yield KeepTogether([_heading(section.title), pareto_drawing(section.bars)])
            yield _table(section.table, wide)
        case Text():
            yield _paragraph(section.text, SIZE_PT)
        case Gallery():
            yield KeepTogether([_heading(section.title), _paragraph(section.note, SIZE_PT)])
            yield _gallery(section, sheets.no_picture, wide)


def _heading(text: str) -> Flowable:
    return _paragraph(text, HEAD_PT, bold=True, before_pt=10)


def _paragraph(
    text: str, size_pt: float, *, bold: bool = False, right: bool = False, before_pt: float = 0
) -> Flowable:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        "text", fontName=font_of("", bold=bold), fontSize=size_pt, leading=1.35 * size_pt,
        spaceBefore=before_pt, spaceAfter=size_pt / 3, alignment=2 if right else 0,
        wordWrap=None if text.isascii() else "CJK",
    )  # fmt: skip
    return Paragraph(marked_up(text, bold=bold), style)


def _facts(sheets: Sheets, wide: float) -> Flowable:
    rows = [
        [_paragraph(name, SIZE_PT, bold=True), _paragraph(value, SIZE_PT)]
        for name, value in sheets.facts
    ]
    return _grid(rows, [FACT_PT, wide - FACT_PT])


def _table(table: Table, wide: float) -> Flowable:
    rows = [
        [
            _paragraph(cell, SIZE_PT, bold=place == 0, right=column > 0)
            for column, cell in enumerate(row)
        ]
        for place, row in enumerate([table.heads, *table.rows])
    ]
    others = len(table.heads) - 1
    each = wide / (FIRST + others)
    widths = [FIRST * each, *[each] * others]
    return _grid(rows, widths, heads=1)


def _grid(rows: Sequence[Sequence[Any]], widths: Sequence[float], *, heads: int = 0) -> Flowable:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table as Grid

    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(LINE)),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
    return Grid(list(rows), colWidths=list(widths), repeatRows=heads, style=style)


def _gallery(section: Gallery, no_picture: str, wide: float) -> Flowable:
    from reportlab.platypus import Table as Grid

    each = wide / COLUMNS
    cells = [_cell(picture, lines, no_picture, each) for picture, lines in section.items]
    cells += [[]] * (-len(cells) % COLUMNS)
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    return Grid(rows, colWidths=[each] * COLUMNS, style=[("VALIGN", (0, 0), (-1, -1), "TOP")])


def _cell(
    picture: RejectPicture, lines: Sequence[str], no_picture: str, wide: float
) -> list[Flowable]:
    from reportlab.platypus import Image

    captions = [_paragraph(line, SMALL_PT) for line in lines]
    if picture.jpeg is None:
        return [_paragraph(no_picture, SIZE_PT), *captions]
    width, height = picture.size_px
    scale = min((wide - GAP_PT - 12) / width, 160 / height)
    return [
        Image(io.BytesIO(picture.jpeg), scale * width, scale * height, hAlign="LEFT"),
        *captions,
    ]


def _numbered(sheets: Sheets) -> type[Any]:
    """A canvas that writes the foot of each page when it is known how many there are."""
    from reportlab.lib.colors import HexColor
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for place, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                self._foot(sheets.page(place, len(self._pages)))
                super().showPage()
            super().save()

        def _foot(self, text: str) -> None:
            self.setFillColor(HexColor(GREY))
            self.setFont(font_of(text), SMALL_PT)
            self.drawRightString(self._pagesize[0] - MARGIN_PT, MARGIN_PT / 2, text)
            self.setFont(font_of(sheets.title), SMALL_PT)
            self.drawString(MARGIN_PT, MARGIN_PT / 2, sheets.title)

    return Numbered
