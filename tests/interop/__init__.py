"""Signed mail proved by programs that are not ours: the agents that make and read CMS, and a real channel.

The agents (`agents`) sign, encrypt, verify and decrypt against `certs`; each cell of the tables of
docs/interop-courrier.md is a run. The channel (`serveurs`, `relais`) is a private postfix and a private
dovecot over TLS, killed, cut and frozen by the tests. A program that cannot be had here is skipped by
its name, with the reason.
"""
