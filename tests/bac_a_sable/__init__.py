"""The sandbox as a partner's developer runs it: one command in a process of its own, reached through its
ports."""
