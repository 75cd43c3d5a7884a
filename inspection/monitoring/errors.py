"""What can go wrong before a method is asked.

Errors
------
MonitorError   a record, table or choice of columns cannot be watched; one line says what to do
"""

from __future__ import annotations

from inspection.errors import InspectionError


class MonitorError(InspectionError):
    """A record, table or choice of columns cannot be watched."""
