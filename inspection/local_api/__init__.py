"""What a station offers its page, on a loopback port with a token."""
