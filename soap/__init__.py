"""Synchronous edge: the published SOAP services, envelope, MTOM, faults, mutual TLS; and the client that
pushes distributions to partners.

May import dispatching and below, never mailflows. spyne is imported by `soap.spyne_engine` only.
"""
