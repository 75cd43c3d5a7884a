"""What can go wrong with a record.

Errors
------
StoreError
├── StoreBusy          another process writes it, or holds it locked
├── StoreUnavailable   missing, out of reach, or not allowed; also: closed, or opened to read only
├── StoreFull          no room is left on a disk; nothing of the call was recorded
├── StoreForeign       not a record of ours, or one of a newer program
│   └── StoreOutdated  one of an older program, opened to read only
├── StoreDamaged       the database or a row of it cannot be read
└── RecordRefused      this one record cannot be added; the store is well
"""

from __future__ import annotations

from inspection.errors import InspectionError


class StoreError(InspectionError):
    """The record could not do what was asked; the message is one line for a person."""


class StoreBusy(StoreError):
    """Another process writes this store, or holds its database locked."""


class StoreUnavailable(StoreError):
    """The store is missing, out of reach, not allowed, closed, or opened to read only."""


class StoreFull(StoreError):
    """No room is left for a picture or a row; nothing of the call was recorded."""


class StoreForeign(StoreError):
    """The database is not a record of ours, or was written by a newer program."""


class StoreOutdated(StoreForeign):
    """The record was written by an older program; opening it to write brings it up to date."""


class StoreDamaged(StoreError):
    """The database file, or a row in it, cannot be read."""


class RecordRefused(StoreError):
    """This record cannot be added: its part is known already, or its event's part is not."""
