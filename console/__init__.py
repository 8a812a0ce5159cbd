"""Web console of guichets, gestionnaires and operators.

May import everything but conformance and echangeur.
"""
