"""The OpenAPI document, and the page that shows it.

Read in this order: operation.py (what is said of one route), published.py, extras.py and foreign.py (every
route; a test compares them with the application's), document.py (the document), page.py (the page). A new
route needs an Operation in a table, with the struct that checks its requests and one in schema/answers for
what it answers.
Nothing here is imported before somebody asks for the document.
"""
