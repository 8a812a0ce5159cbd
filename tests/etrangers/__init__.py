"""The wire proved by clients that are not ours, against a hub in its own process over mutual TLS.

Each client knows the published WSDL only, takes the same steps (epreuve.py) and is judged on the files that
it understood. What it can do is the table of docs/etrangers.md, which these tests check. A client that cannot
be had here is skipped by its name, with the reason.
"""
