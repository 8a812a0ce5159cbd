"""Messages that the hub must refuse, as data: a base, named mutations, the one code and the text expected.

``bases/`` holds the documents that all start from; each ``.toml`` file, messages on one subject. A message
says ``base`` (the state of the register), ``operation``, ``guichet``, ``type`` (typeFichier), what is mutated
(``document``, ``champs``, ``enveloppe``, ``contenu``), then ``code`` and ``texte``.
tests/soap/test_corpus.py sends them through a TLS socket.
"""
