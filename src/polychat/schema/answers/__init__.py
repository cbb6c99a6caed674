"""What the published routes answer, typed. Model cards are made of these; /openapi.json tells the rest."""
