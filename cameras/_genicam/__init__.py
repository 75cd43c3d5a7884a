"""What the cameras that speak GenICam share: settings, trigger, pixel formats and losses."""
