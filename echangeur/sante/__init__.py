"""What a process says of itself: alive, ready, and its figures, on a listener for those who operate it.

Ready means proved: each role makes a real round trip of its own, and readiness is what came of it. Nothing
here is nominative, nothing here names a partner.
"""
