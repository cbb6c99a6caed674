"""The published API as typed structs: what the gateway checks, engines shape by, and /openapi.json says."""
