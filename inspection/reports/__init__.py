"""Reports of parts: what was judged, why parts were rejected, what people said, and by which recipe.

`report_of` reads the record, `sections_of` says it in a language, `write_report` makes the file.
"""

from inspection.reports.files import SUFFIXES as SUFFIXES
from inspection.reports.files import write_report as write_report
from inspection.reports.report import Report as Report
from inspection.reports.report import report_of as report_of
