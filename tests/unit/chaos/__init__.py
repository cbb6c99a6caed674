"""The chaos run's own parts: what it asks, what it does, and that it notices what must not be."""
