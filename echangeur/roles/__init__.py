"""The roles of a server process, one module each, and the life that they share.

A process has one role or several: ``soap`` and ``courrier`` are the edges, ``worker`` sends what is due,
``console`` is for people. `socle` holds what all of them need, `metier` the handlers behind both edges, and
`cycle` starts them, withdraws them and stops them in order. May import everything but the commands.
"""
