"""The heart: guichets and territories, registration, numéro unique, life cycle, doublons, journal,
rights, and their persistence in PostgreSQL.

May import schemas and certs. What decides is pure; the functions that take a Connection do the I/O.
"""
