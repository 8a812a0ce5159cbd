"""Reproducible measurements: each script prints a table and writes JSON, with a peer in the same run."""
