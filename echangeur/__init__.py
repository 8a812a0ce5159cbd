"""Composition root: configuration, command line, wiring, process roles. Nobody imports it."""
