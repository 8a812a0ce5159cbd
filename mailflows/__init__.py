"""Asynchronous edge: inbound and outbound signed mail, receipts, quarantine.

May import dispatching and below, never soap.
"""
