"""How a station is doing: counters, latencies and queues, for people and for Prometheus."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np

from inspection.errors import InspectionError
from inspection.ports.connections import IDLE_S
from inspection.ports.http_server import BoundedHandler, BoundedServer
from inspection.station.part import STAGES as PART_STAGES

STAGES = (*PART_STAGES[1:], "total")
KEPT = 2000
"""Latest times of each stage that the quantiles are of."""

Snapshot = Callable[[], Mapping[str, Any]]


class Times:
    """The latest latencies of each stage, in ms. Any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times = {stage: deque[float](maxlen=KEPT) for stage in STAGES}
        self._sums: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, stage: str, ms: float) -> None:
        """Note one time."""
        with self._lock:
            self._times[stage].append(ms)
            self._sums[stage] += ms  # type: ignore[assignment]
            self._counts[stage] += 1

    def quantiles(self) -> dict[str, dict[str, float]]:
        """Compute p50, p95 and p99, in ms, of each stage that has any."""
        with self._lock:
            times = {stage: list(values) for stage, values in self._times.items() if values}
        return {
            stage: {f"p{q}": float(np.percentile(values, q)) for q in (50, 95, 99)}
            for stage, values in times.items()
        }

    def totals(self) -> dict[str, tuple[int, float]]:
        """Return how many times each stage ran, and for how many ms in all."""
        with self._lock:
            return {stage: (self._counts[stage], float(self._sums[stage])) for stage in STAGES}


class StatusServer:
    """Serves `/status` (JSON) and `/metrics` (Prometheus' text format) on a local port."""

    def __init__(self, port: int, snapshot: Snapshot) -> None:
        self.port = port
        self._snapshot = snapshot
        self._server: BoundedServer | None = None

    def open(self) -> None:
        """Start serving, on loopback. Raises InspectionError when the port is taken."""
        snapshot = self._snapshot

        class Handler(BoundedHandler):
            timeout = IDLE_S

            def get(self) -> None:
                pages = {
                    "/status": (_as_json, "application/json"),
                    "/metrics": (metrics, _PROMETHEUS),
                }
                if self.path not in pages:
                    self.answer(HTTPStatus.NOT_FOUND, {"error": "only /status and /metrics"})
                    return
                make, kind = pages[self.path]
                self.send(HTTPStatus.OK, make(snapshot()).encode(), kind)

        try:
            self._server = BoundedServer(("127.0.0.1", self.port), Handler, name="status_port")
        except OSError as error:
            raise InspectionError(f"status_port {self.port}: cannot listen ({error})") from error
        self.port = self._server.server_port
        self._server.start()

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.stop()
            self._server = None


_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def metrics(snapshot: Mapping[str, Any]) -> str:
    """Write a snapshot in Prometheus' text format."""
    lines = [
        "# TYPE inspection_up gauge",
        f"inspection_up {int(snapshot['state'] in ('Ready', 'SingleExecution'))}",
        "# TYPE inspection_error_code gauge",
        f"inspection_error_code {snapshot['error_code']}",
    ]
    lines += _family("triggers_total", "counter", {"": snapshot["triggers"]})
    lines += _family("parts_total", "counter", snapshot["verdicts"], "verdict")
    lines += _family("answers_total", "counter", {"": snapshot["answers"]})
    lines += _family("queue_depth", "gauge", snapshot["queues"], "queue")
    lines += _family("outbox", "gauge", snapshot["outbox"], "output")
    lines += _family("refused", "gauge", snapshot["refused"], "output")
    lines.append("# TYPE inspection_frames_total counter")
    for camera, counts in snapshot["cameras"].items():
        for what, count in counts.items():
            lines.append(
                f"inspection_frames_total{{camera={_quoted(camera)},status={_quoted(what)}}} {count}"
            )
    lines.append("# TYPE inspection_stage_ms summary")
    for stage, quantiles in snapshot["latency_ms"].items():
        for name, value in quantiles.items():
            share = int(name[1:]) / 100
            lines.append(f'inspection_stage_ms{{stage="{stage}",quantile="{share}"}} {value:.3f}')
    for stage, (count, total) in snapshot["stage_totals"].items():
        lines.append(f'inspection_stage_ms_count{{stage="{stage}"}} {count}')
        lines.append(f'inspection_stage_ms_sum{{stage="{stage}"}} {total:.3f}')
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, values: Mapping[str, Any], label: str = "") -> list[str]:
    lines = [f"# TYPE inspection_{name} {kind}"]
    for key, value in values.items():
        where = f"{{{label}={_quoted(key)}}}" if label else ""
        lines.append(f"inspection_{name}{where} {value}")
    return lines


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def _as_json(snapshot: Mapping[str, Any]) -> str:
    return json.dumps(snapshot, default=str)
