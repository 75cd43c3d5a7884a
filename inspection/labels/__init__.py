"""What people say parts are, and what is made of it."""
