"""The routing of a gateway in virtual time: the same policies, on replicas that are a few formulas."""
