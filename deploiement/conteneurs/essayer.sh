#!/bin/sh
# Construit l'image et l'essaie sans démon ni registre d'images, en root : une base faite par mmdebstrap tient lieu de
# python:3.13-slim-trixie (Python de Debian, la même version), buildah lit le Dockerfile tel quel.
#
#   apt-get install buildah crun mmdebstrap
#   sh deploiement/conteneurs/essayer.sh [DOSSIER DE TRAVAIL]
#
# Les paquets viennent d'où pip les prend sur cette machine : sa configuration et son autorité sont prêtées à l'image.
set -eu

racine=$(cd "$(dirname "$0")/../.." && pwd)
travail=${1:-$(mktemp -d)}
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
b() { buildah --root "$travail/stock" --runroot "$travail/marche" "$@"; }

if [ ! -e "$travail/base/usr/bin/python" ]; then
    mmdebstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$travail/base"
    ln -s python3 "$travail/base/usr/bin/python"
fi
if ! b inspect --type image localhost/python:3.13-slim-trixie >/dev/null 2>&1; then
    neuf=$(b from scratch)
    b copy -q "$neuf" "$travail/base" /
    b config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$neuf"
    b commit -q --rm "$neuf" localhost/python:3.13-slim-trixie
fi

# D'où pip prend ses paquets ici, sans ce qui n'a de sens que sur cette machine.
pret=$travail/pip.conf
{
    echo "[global]"
    cat /etc/pip.conf "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" 2>/dev/null |
        awk -F' *= *' '/^(cert|index-url|extra-index-url|proxy|trusted-host) *=/ && !vu[$1]++' || true
} >"$pret"
set -- --volume "$pret:/etc/pip.conf:ro"
certificat=$(sed -n 's/^cert *= *//p' "$pret")
[ -z "$certificat" ] || set -- "$@" --volume "$certificat:$certificat:ro"

b bud -q --pull-never "$@" -f "$racine/deploiement/conteneurs/Dockerfile" -t echangeur "$racine"

essai=$(b from --pull-never localhost/echangeur)
b run "$essai" -- echangeur --version
b run "$essai" -- echangeur --aide
# La même image que servent les processus : le programme complet se charge, l'utilisateur est celui du Dockerfile.
b run "$essai" -- python -c 'import os, echangeur.composition; print("utilisateur", os.getuid())'
b rm "$essai" >/dev/null
