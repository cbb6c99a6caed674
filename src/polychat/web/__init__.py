"""The web page: Gradio tabs over pure session logic, a client of the public API."""
