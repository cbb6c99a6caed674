"""Does an endpoint keep to the published APIs? Scenarios over raw HTTP, run against any of them, ours or not.

To read it: scenario.py (what one is), areas/ (all of them), target.py (the endpoint), applies.py (which are
run for a model), runner.py, report.py. To add a scenario: a function with `@scenario("what is promised")` in
a file of areas/; it raises Departure when the endpoint does something else.
"""
