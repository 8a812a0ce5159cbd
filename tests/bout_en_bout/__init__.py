"""The hub from end to end: real processes, TLS sockets, disk, partners on both sides."""

import pytest

# Its assertions are those of the tests: a failure must show the values.
pytest.register_assert_rewrite("tests.bout_en_bout.constats")
