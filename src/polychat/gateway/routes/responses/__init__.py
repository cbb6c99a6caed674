"""The routes of the Responses API: create.py makes them, stored.py shows, cancels and deletes them."""
