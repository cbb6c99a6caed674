"""transformers in a process of ours, for every architecture that the library has."""
