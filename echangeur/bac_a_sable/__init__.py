"""The sandbox: a hub on the machine of a partner's developer, which does on purpose what a real one does
seldom.

Nothing of it can act in a hub that `echangeur serve` starts: that one is given no graft
(`echangeur.roles.greffes`), and no module of the hub imports this folder (a contract of import-linter).
docs/decisions/0114.

`preparation` makes the folder that `dossier` describes: instance, certificates, guichets (`monde`), demandes
(`recits` played by `stock`), snapshot (`cliche`). `serveur` runs the hub with the clock of `horloge`, the
magic values of `valeurs` carried out by `appels` (SOAP), `courriers` and `remises` (distributions), and the
mailbox of `relais`. `voyage` moves the clock.
"""
