"""What draws parts: good ones, and ones with known defects."""
