"""What people see: the station page."""
