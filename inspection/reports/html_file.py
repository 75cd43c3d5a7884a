"""A report as one page of HTML that needs nothing else and prints well."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from inspection.reports.chart import as_svg, pareto_drawing
from inspection.reports.pictures import RejectPicture
from inspection.reports.sections import Gallery, Pareto, Section, Sheets, Table, Text

STYLE = """
body{font:14px/1.4 "Noto Sans","DejaVu Sans",Arial,"Noto Sans CJK JP","Noto Sans CJK KR",sans-serif;
margin:2em auto;max-width:62em;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.6em}h2{font-size:1.15em;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%;font-size:.95em}
th,td{padding:.25em .6em;border-bottom:1px solid #ccc;text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{border-bottom:2px solid #888}
.numbers td+td,.numbers th+th{text-align:right;font-variant-numeric:tabular-nums}
.facts th{width:12em;font-weight:600}
svg{width:100%;max-width:46em;height:auto;font-family:inherit}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(15em,1fr));gap:1em}
figure{margin:0;break-inside:avoid}figure img{max-width:100%;border:1px solid #ccc}
figcaption{font-size:.85em;overflow-wrap:anywhere}
@page{size:A4;margin:15mm}
@media print{body{margin:0;max-width:none;padding:0;font-size:10pt}
section{break-inside:auto}h2{break-after:avoid}tr,svg{break-inside:avoid}thead{display:table-header-group}
.pictures{grid-template-columns:repeat(3,1fr)}}
"""


def as_html(sheets: Sheets) -> str:
    """Write a report as HTML; every text of a part or person is escaped."""
    facts = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in sheets.facts
    )
    body = "".join(_section(each, sheets) for each in sheets.sections)
    title = escape(sheets.title)
    return (
        f'<!doctype html><html lang="{sheets.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
        f'<table class="facts">{facts}</table>{body}</body></html>\n'
    )


def _section(section: Section, sheets: Sheets) -> str:
    match section:
        case Table():
            return f"<section>{_heading(section.title)}{_table(section)}</section>"
        case Pareto():
            chart = as_svg(pareto_drawing(section.bars))
            return f"<section>{_heading(section.title)}{chart}{_table(section.table)}</section>"
        case Text():
            return f"<p>{escape(section.text)}</p>"
        case Gallery():
            figures = "".join(
                _figure(picture, lines, sheets.no_picture) for picture, lines in section.items
            )
            return (
                f"<section>{_heading(section.title)}<p>{escape(section.note)}</p>"
                f'<div class="pictures">{figures}</div></section>'
            )


def _heading(title: str) -> str:
    return f"<h2>{escape(title)}</h2>" if title else ""


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    return f'<table class="numbers"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _figure(picture: RejectPicture, lines: Sequence[str], no_picture: str) -> str:
    caption = "<br>".join(map(escape, lines))
    if picture.jpeg is None:
        return f"<figure><p>{escape(no_picture)}</p><figcaption>{caption}</figcaption></figure>"
    data = base64.b64encode(picture.jpeg).decode("ascii")
    image = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
