"""Alerts by mail, to who operates the hub and to the partner concerned (docs/decisions/0110).

`lecture` reads the facts from the database; `regles` and `regles_hub` say what they find wrong; `suivi` makes
of it alerts that open, last and close; `annonces` says to whom each is to be told, and in what words. Those
are pure. `veilleur` does one turn of it, in one process at a time, and hands the mails to the relay.
"""
