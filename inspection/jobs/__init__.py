"""Long work in processes of its own."""

from inspection.jobs.jobs import TRAIN, TRY, Job, Jobs, birth, snapshot

__all__ = ["TRAIN", "TRY", "Job", "Jobs", "birth", "snapshot"]
