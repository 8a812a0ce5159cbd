"""The interface specification itself: XSD, WSDL, code lists, geography, hardened parsing, validation,
typed documents, generated examples.

Pure: bytes in, values out. Imports nothing of ours; no database, no network, no clock.
"""
