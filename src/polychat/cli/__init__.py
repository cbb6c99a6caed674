"""The command line: the only place that parses arguments, reads the environment and prints."""
