"""Real processes under a random schedule of kills and partitions, and the history of what clients saw.

To read it: `asks` (what is asked), `history` (what was seen), `schedule` (what is done to the site),
`checker` (what must hold), `book` (what must have been counted). These are pure. Then `client`, `link`,
`member`, `site`, `storm`, `leftovers` and `run`, which act.
"""
