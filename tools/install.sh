#!/bin/sh
# Creates the virtual environment from the lock. On a bare Debian or Ubuntu python3 ships without
# ensurepip: install the package when we may, otherwise say which one is missing.
set -eu
[ -n "${PYTHON:-}" ] || { echo "Python 3.11 ou plus récent est nécessaire : apt-get install python3 python3-venv" >&2; exit 1; }
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq && apt-get install -y -qq "$package"
    else
        echo "Il manque le paquet $package : sudo apt-get install $package" >&2
        exit 1
    fi
fi
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
