"""The kit by which a partner, or the hub, proves conformity; the reference partner.

May import everything but console and echangeur.
"""
