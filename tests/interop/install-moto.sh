#!/bin/sh
# Installs moto for the interop tests, and prints its folder. Usage: install-moto.sh [target folder]
# (needs Python 3 with venv on the PATH; the packages come from the user's own pip configuration)
set -eu

source=$(cd "$(dirname "$0")/moto" && pwd)
version=$(sed -n 's/^moto==//p' "$source/requirements.txt")

target=${1:-$source/../../../target/interop}
mkdir -p "$target"
target=$(cd "$target" && pwd)
home=$target/moto-$version

# Made in its place, because its scripts name it: the file says that it was finished.
if [ ! -f "$home/installed" ]; then
    command -v python3 >/dev/null || { echo "install-moto: python3 is not on the PATH" >&2; exit 1; }
    python3 -m venv --clear "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$source/requirements.txt" >&2
    touch "$home/installed"
fi

echo "$home"
