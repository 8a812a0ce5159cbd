"""The command line in French (`conformance.francais`, which the kit of conformity shares)."""

from __future__ import annotations

from conformance.francais import Commande, Groupe, create_group, translate

__all__ = ["Commande", "Groupe", "create_group", "translate"]
