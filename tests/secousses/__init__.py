"""Crash injection: real processes stopped at a persisted step, then killed, cut off, left without database.

A process of the hub runs with hooks (`crochets`) that let the session stop it exactly before or after a
commit, between two writings of a transaction, before or after something is sent. What then happens to it is
done from outside, and judged from outside (`jugement`): what the clients were told, what the partners got.
"""

import pytest

# Its assertions are those of the tests: a failure must show the values.
pytest.register_assert_rewrite("tests.secousses.jugement")
