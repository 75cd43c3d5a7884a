"""The pages, one file each: `PATH`, `blocks_part` for what is shown, `routes` for what it asks."""
