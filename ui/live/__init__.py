"""What every open page is told."""
