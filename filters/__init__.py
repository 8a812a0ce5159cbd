"""What a guichet wants to receive: filter language, matching index, explanation, versioned storage.

May import registry and schemas. A filter narrows what the rights allow, it never widens it.
"""
