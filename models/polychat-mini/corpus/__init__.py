"""The synthetic corpus of polychat-mini: every sample is generated from text written for it.

Reading order: `sample` (what a sample is), `words` (what the splits share and do not), one
module per skill (`json_*`: what a grammar holds), `mix` (how often each skill is drawn).
"""
