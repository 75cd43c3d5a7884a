"""What a station tells people by itself: watched beside inspecting, sent from a queue that nothing waits for."""

from inspection.notifications.watch import Notifications

__all__ = ["Notifications"]
