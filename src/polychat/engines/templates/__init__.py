"""Chat templates: those of families whose repositories ship none, and files that a user gives.

The order that engines keep: what `--chat-template` says (`find`), the model's own template, then the table
(`for_model`), which answers only for models it knows for certain; otherwise `refusal`, never a guess.
Reading order: `find.py`, `matching.py`, `families.py`, `layout.py`, `systems.py`.
"""

from polychat.engines.templates.find import Template, as_file, find, names, of_family, refusal
from polychat.engines.templates.matching import examples_of, for_model

__all__ = ["Template", "as_file", "examples_of", "find", "for_model", "names", "of_family", "refusal"]
