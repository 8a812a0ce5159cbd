"""``python -m echangeur``: the same as the `echangeur` command."""

from echangeur.cli import main

main()
