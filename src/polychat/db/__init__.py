"""What must last: one SQL database, SQLite in a file or PostgreSQL by URL.

Read in this order: address.py (which database), database.py (open, migrate, close), tables.py, then one file
for each table with typed rows. To change the tables: change tables.py, add a file in migrations/versions/ and
set `database.SCHEMA` to its revision; a test compares the three.

Nothing here imports SQLAlchemy before the database is first used: that costs a third of a second and 20 MB.
"""
