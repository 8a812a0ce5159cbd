"""The demonstration: a hub in a process of its own and four partners that exchange demandes with it.

`scenario` says what partner A registers and what must come of it; `etapes` the life of one demande, whoever
writes it, with `fichiers` and `pieces` that they send. `partenaires` holds the partners, `arrivees` what they
received, `serveur` the process of the hub, `recit` tells it on the terminal; `deroulement` runs and checks
the whole, `vie` its second part, and `chronologie` reads it back in the register.
"""
