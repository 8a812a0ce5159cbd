"""Who gets what: recipients of an event, deliveries and their sequence, attempts, retries, explanation.

May import filters, registry, schemas and certs. How a delivery travels is the business of soap and mailflows.
"""
