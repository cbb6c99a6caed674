"""The worker: the agent beside one engine."""
