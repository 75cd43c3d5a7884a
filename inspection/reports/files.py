"""A report as a file, by its name's ending."""

from __future__ import annotations

from pathlib import Path

from inspection.durable_files import replace_file
from inspection.reports.report import Report, ReportError
from inspection.reports.sections import sections_of
from inspection.words import LANGUAGES, Words

SUFFIXES = (".html", ".pdf")


def check_target(target: Path, language: str) -> None:
    """Raise ReportError for a kind of file or a language there is none of."""
    if target.suffix.lower() not in SUFFIXES:
        raise ReportError(
            f"report {target}: unknown kind of file {target.suffix!r}; "
            f"give a name that ends in {' or '.join(SUFFIXES)}"
        )
    if language not in LANGUAGES:
        raise ReportError(f"report: language {language!r}; allowed: {', '.join(LANGUAGES)}")


def write_report(report: Report, target: Path, *, language: str, private: bool = False) -> None:
    """Write a report as .html or .pdf, whole or not at all. Raises ReportError, OSError."""
    check_target(target, language)
    sheets = sections_of(report, language, Words())
    if target.suffix.lower() == ".pdf":
        from inspection.reports.pdf_file import as_pdf

        content = as_pdf(sheets)
    else:
        from inspection.reports.html_file import as_html

        content = as_html(sheets).encode()
    replace_file(target, content, private=private)
