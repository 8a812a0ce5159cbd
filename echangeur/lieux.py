"""Where things are in the folder of an instance: names alone, for whoever needs no more.

``echangeur.toml`` the configuration, ``autorite/`` the test authority, ``serveur/`` and ``client/`` the
certificates of the hub, ``courrier/`` the keys of its mail, ``console/`` those that seal second factors,
``postgres/`` the embedded database when no other is configured, ``image/`` and ``image-passe/`` the images of
its stock and of its past events, ``processus/`` its running processes.
"""

from __future__ import annotations

from typing import Final

AUTORITE: Final = "autorite"
SERVEUR: Final = "serveur"
CLIENT: Final = "client"
COURRIER: Final = "courrier"
POSTGRES: Final = "postgres"
IMAGE: Final = "image"
PASSE: Final = "image-passe"
IMAGES: Final = (IMAGE, PASSE)
"""Made again from the database by whoever needs them (`filters.suivi`)."""
PROCESSUS: Final = "processus"
"""Where each running process says where it can be asked (`sante.ecoute`)."""
NOM_CLIENT: Final = "ECHANGEUR"
