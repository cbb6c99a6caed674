"""Programs that hold weights and answer requests."""
