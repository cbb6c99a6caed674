"""`polychat bench`: what an OpenAI-compatible endpoint delivers under load, as clients see it."""
