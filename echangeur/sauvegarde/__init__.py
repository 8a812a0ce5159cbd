"""Backup and restoration of an instance: its base by the tools of PostgreSQL, its folder by tar, both
encrypted part by part for the holders of certificates, and a manifest that says what must come back
(docs/decisions/0115-sauvegarde.md).
"""
