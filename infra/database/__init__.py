"""The database: one engine, one set of tables, one chain of migrations, on SQLite or PostgreSQL.

How to add a table stands in `docs/database.md`.
"""
