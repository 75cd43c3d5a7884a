"""What links a station to the plant: outputs, triggers, and their messages."""
