"""Trust: certificates of partners and of the hub, their reading, issuing by the test authority, TLS
contexts, signed and encrypted messages (CMS).

Imports nothing of ours. Identity is pinning: the fingerprint decides, the names are only displayed.
"""
