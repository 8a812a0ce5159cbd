"""The demonstration: a hub in a process of its own and three partners that exchange demandes with it.

`scenario` says what happens and what must come of it, `partenaires` holds the partners, `serveur` the process
of the hub, `recit` tells it on the terminal, `deroulement` runs it and checks it.
"""
