"""Hostile bytes for what parses mail, MIME and CMS: seeded mutations of good messages, each made again alone.

A target (`cibles`) takes a mutated message and tells what became of it. Three things must never happen: a
content that nobody signed is handed over, an exception that is not documented escapes, one input takes more
than a second. ``python -m tests.fuzz`` runs the 100,000 of `make fuzz`; `make test` runs a slice of them.

Calls to the services are mutated too, by what the schemas say (`facettes`, `arbre`, `appels_valides`), and
sent to a hub (`hub`): ``python -m tests.fuzz.echanges``.
"""
