"""Tests mirror the folders they prove; `conftest.py` gives the real PostgreSQL."""
