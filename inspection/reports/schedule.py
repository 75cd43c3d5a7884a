"""Reports by the clock: one of each shift, or of each span the station file names, and never two.

A report is written whole under a name that its span gives it, then noted in `reports.json` of the page
folder. Whatever ends the station between the two, the file is found by its name at the next start. One that
is noted is not written again, though somebody moved it away.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import threading
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

from inspection.durable_files import replace_json
from inspection.errors import InspectionError
from inspection.outside import Refused, read_file, read_json
from inspection.reports.files import write_report
from inspection.reports.report import report_of
from inspection.reports.spans import Span, spans
from inspection.station.station_file import ReportSettings, StationFile
from inspection.store import StoreError, open_to_read
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import extent

NAME, FORMAT = "reports.json", 1
LOOK_EVERY_S, AGAIN_S = 5.0, 600.0
LATEST_S = 60.0
"""So long after its end a span is waited for: its last parts are recorded by then."""
LOOKED_BACK = timedelta(days=7)
LIMIT_S = 900.0
MOST_BYTES = 1 << 20

log = logging.getLogger(__name__)


class ReportSchedule:
    """Writes the reports that are due, each in a process of its own behind inspecting."""

    def __init__(self, settings: StationFile) -> None:
        self.settings = settings
        self.problem = ""
        """Why the last look wrote no report, empty when all that was due is written."""
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ReportSchedule:
        if self.settings.report is not None:
            self._thread = threading.Thread(target=self._run, name="reports", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def look(self, now: datetime) -> list[Path]:
        """Write what is due; give the files. Raises InspectionError, StoreError, OSError."""
        report = self.settings.report
        assert report is not None
        written: list[Path] = []
        for span in self._due(report, now):
            made = self._write(report, span)
            if made is None:
                break
            self._note(span)
            written += made
        return written

    def _run(self) -> None:
        wait_s = 0.0
        while not self._over.wait(wait_s):
            wait_s = LOOK_EVERY_S
            try:
                self.look(datetime.now(UTC))
                self.problem = ""
            except (InspectionError, StoreError, OSError) as error:
                self.problem = f"report: {' '.join(str(error).split())}"
                log.warning("report: %s; tried again in %g s", error, AGAIN_S)
                wait_s = AGAIN_S

    def _due(self, report: ReportSettings, now: datetime) -> list[Span]:
        """The spans that are over and not reported, the oldest first; none from before the first start."""
        ledger = self._read()
        if ledger is None:
            self._put(now, [])
            return []
        begun, noted = ledger
        over = now - timedelta(seconds=LATEST_S)
        first = max(begun, now - LOOKED_BACK)
        at = report.at or self.settings.shifts
        # A span that began before is reported, too, if it ends after.
        found = spans(at, first - timedelta(days=2), over)
        return [span for span in found if span[1] > first and span[1].isoformat() not in noted]

    def _write(self, report: ReportSettings, span: Span) -> list[Path] | None:
        """Write what is missing of a span; None: the station ends meanwhile."""
        targets = [report.folder / self._name(span, kind) for kind in report.kinds]
        missing = [target for target in targets if not target.exists()]
        asked = PartFilter(since=span[0], until=span[1], station=self.settings.station)
        with open_to_read(self.settings.record, images=self.settings.images) as store:
            if not missing or extent(store, asked).parts == 0:
                return []
        here, there = multiprocessing.get_context("spawn").Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=write_reports, args=(self.settings, span, missing, there), daemon=True
        )
        process.start()
        there.close()
        try:
            _await(process, self._over)
            error = here.recv() if here.poll() else f"the process ended with {process.exitcode}"
        except EOFError:
            error = f"the process ended with {process.exitcode}"
        finally:
            here.close()
        if error is not None and self._over.is_set():
            return None
        if error is not None:
            raise InspectionError(error)
        return [target for target in missing if target.exists()]

    def _name(self, span: Span, kind: str) -> str:
        since, until = (moment.astimezone() for moment in span)
        station = re.sub(r"[^\w-]+", "_", self.settings.station)
        return f"{station}-{since:%Y%m%d-%H%M}-{until:%Y%m%d-%H%M}.{kind}"

    @property
    def _ledger(self) -> Path:
        return self.settings.page_folder / NAME

    def _read(self) -> tuple[datetime, set[str]] | None:
        try:
            content = read_json(
                read_file(self._ledger, most_bytes=MOST_BYTES), most_bytes=MOST_BYTES
            )
            begun = datetime.fromisoformat(content["from"])
            return begun, {str(each) for each in content["written"]}
        except FileNotFoundError:
            return None
        except (Refused, ValueError, KeyError, TypeError) as error:
            raise InspectionError(
                f"{self._ledger}: damaged ({error}); remove it, and reports begin anew"
            ) from error

    def _note(self, span: Span) -> None:
        found = self._read()
        begun, noted = found or (span[0], set())
        oldest = (span[1] - 2 * LOOKED_BACK).isoformat()
        self._put(begun, [each for each in sorted({*noted, span[1].isoformat()}) if each > oldest])

    def _put(self, begun: datetime, written: list[str]) -> None:
        content = {"format": FORMAT, "from": begun.isoformat(), "written": written}
        replace_json(self._ledger, content, private=True)


def write_reports(settings: StationFile, span: Span, targets: list[Path], told: Connection) -> None:
    """Write the reports of a span, and tell what went wrong, None for nothing; a process of its own."""
    os.nice(10) if hasattr(os, "nice") else None
    report = settings.report
    assert report is not None
    asked = PartFilter(since=span[0], until=span[1])
    try:
        with open_to_read(settings.record, images=settings.images) as store:
            found = report_of(store, asked, settings, pictures=report.pictures)
        for target in targets:
            write_report(found, target, language=report.language)
        told.send(None)
    except (InspectionError, StoreError, OSError) as error:
        told.send(" ".join(str(error).split()))


def _await(process: multiprocessing.process.BaseProcess, over: threading.Event) -> None:
    """Wait for a process; end it when the station ends, or after LIMIT_S."""
    waited_s = 0.0
    while process.is_alive() and not over.is_set() and waited_s < LIMIT_S:
        process.join(0.2)
        waited_s += 0.2
    if process.is_alive():
        process.kill()
    process.join()
