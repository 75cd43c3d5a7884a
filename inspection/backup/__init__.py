"""Copies of a station as a whole: record, pictures, recipes, users and station file in one file."""

from inspection.backup.archive import BackupError, Manifest, read_manifest
from inspection.backup.make import back_up, default_name
from inspection.backup.restore import Restored, restore

__all__ = [
    "BackupError",
    "Manifest",
    "Restored",
    "back_up",
    "default_name",
    "read_manifest",
    "restore",
]
