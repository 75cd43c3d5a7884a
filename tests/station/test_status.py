"""The metrics as Prometheus reads them: its own parser finds every number of the snapshot."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from inspection.station.status import metrics


def test_prometheus_reads_the_metrics_of_a_station(build: Any) -> None:
    with build(deadline_ms=60_000.0) as built:
        assert built.trigger()
        built.settle(1, 120.0)
        snapshot = built.station.snapshot()
    families = {family.name: family for family in text_string_to_metric_families(metrics(snapshot))}
    kinds = {name: family.type for name, family in families.items()}
    assert kinds == {
        "inspection_up": "gauge",
        "inspection_error_code": "gauge",
        "inspection_triggers": "counter",
        "inspection_parts": "counter",
        "inspection_answers": "counter",
        "inspection_queue_depth": "gauge",
        "inspection_outbox": "gauge",
        "inspection_refused": "gauge",
        "inspection_frames": "counter",
        "inspection_stage_ms": "summary",
    }
    (answers,) = families["inspection_answers"].samples
    assert (answers.name, answers.value) == ("inspection_answers_total", 1.0)
    queues = {
        each.labels["queue"]: each.value for each in families["inspection_queue_depth"].samples
    }
    assert queues == snapshot["queues"]
    stages = {each.labels["stage"] for each in families["inspection_stage_ms"].samples}
    assert "judge" in stages


def test_a_name_with_quotes_and_backslashes_is_read_back_as_it_was() -> None:
    name = 'press "4" \\ left, größe'
    snapshot: dict[str, Any] = {
        "state": "Ready", "error_code": 0, "triggers": 0, "verdicts": {}, "answers": 0, "queues": {},
        "outbox": {name: 3}, "refused": {}, "cameras": {}, "latency_ms": {}, "stage_totals": {},
    }  # fmt: skip
    families = {family.name: family for family in text_string_to_metric_families(metrics(snapshot))}
    (sample,) = families["inspection_outbox"].samples
    assert (sample.labels["output"], sample.value) == (name, 3.0)
