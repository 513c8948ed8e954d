"""What is remembered: SQLite by default, PostgreSQL by one setting."""
