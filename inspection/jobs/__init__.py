"""Long work in processes of its own: training, trying, verifying, examining, exporting, reporting,
backing up."""

from inspection.jobs.jobs import Job, Jobs, copy_pictures, process_identity
from inspection.jobs.kinds import BACKUP, DOCTOR, EXPORT, REPORT, TRAIN, TRY, VERIFY

__all__ = [
    "BACKUP",
    "DOCTOR",
    "EXPORT",
    "REPORT",
    "TRAIN",
    "TRY",
    "VERIFY",
    "Job",
    "Jobs",
    "copy_pictures",
    "process_identity",
]
