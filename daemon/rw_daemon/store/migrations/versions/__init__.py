"""One module for each revision of the schema; alembic finds them by their file names."""
