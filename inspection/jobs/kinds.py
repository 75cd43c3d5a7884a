"""The kinds of long work: which module does it, what it may run beside, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

TRAIN, TRY = "train", "try"
VERIFY, DOCTOR, EXPORT, REPORT = "verify", "doctor", "export", "report"
BACKUP = "backup"
MINUTE_S, HOUR_S = 60.0, 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """How one kind of job runs; `module.main` does the work.

    One job runs at a time in a `lane`, and the newest `kept` folders of a lane stay. A job that is
    not `detached` ends when the process that started it is gone.
    """

    module: str
    lane: str
    limit_s: float
    kept: int
    detached: bool


def _on_record(lane: str, *, limit_s: float, detached: bool = False) -> JobKind:
    module = "inspection.jobs.record_tasks"
    return JobKind(module=module, lane=lane, limit_s=limit_s, kept=3, detached=detached)


KINDS = {
    TRAIN: JobKind(
        module="inspection.cli", lane="training", limit_s=24 * HOUR_S, kept=30, detached=True
    ),
    TRY: JobKind(
        module="inspection.jobs.trial",
        lane="training",
        limit_s=24 * HOUR_S,
        kept=30,
        detached=False,
    ),
    VERIFY: _on_record("verify", limit_s=6 * HOUR_S, detached=True),
    EXPORT: _on_record("export", limit_s=10 * MINUTE_S),
    REPORT: _on_record("report", limit_s=HOUR_S),
    DOCTOR: JobKind(
        module="inspection.jobs.examination",
        lane="doctor",
        limit_s=5 * MINUTE_S,
        kept=3,
        detached=False,
    ),
    # Each is as large as the station: the one made before goes when the next begins.
    BACKUP: JobKind(
        module="inspection.jobs.backup_task",
        lane="backup",
        limit_s=6 * HOUR_S,
        kept=0,
        detached=True,
    ),
}


def beside(kind: str) -> tuple[str, ...]:
    """Name the kinds that share the lane of this one, itself among them."""
    return tuple(name for name, other in KINDS.items() if other.lane == KINDS[kind].lane)
