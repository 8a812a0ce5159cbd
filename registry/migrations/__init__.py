"""The chain of migrations: how a database of any age becomes what the tables say today."""
