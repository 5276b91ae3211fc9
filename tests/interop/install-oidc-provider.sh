#!/bin/sh
# Installs oidc-provider for the interop tests, and prints its folder. Usage: install-oidc-provider.sh [target folder]
# (needs Node 20.12 or newer and npm on the PATH)
set -eu

source=$(cd "$(dirname "$0")/oidc-provider" && pwd)
version=$(sed -n 's/.*"oidc-provider": "\(.*\)".*/\1/p' "$source/package.json")

target=${1:-$source/../../../target/interop}
mkdir -p "$target"
target=$(cd "$target" && pwd)
home=$target/oidc-provider-$version

if [ ! -d "$home" ]; then
    for tool in node npm; do
        command -v "$tool" >/dev/null || { echo "install-oidc-provider: $tool is not on the PATH" >&2; exit 1; }
    done
    # Renamed into place at the end, so that an interrupted install does not look finished.
    rm -rf "$target/installing"
    mkdir "$target/installing"
    cp "$source/package.json" "$source/package-lock.json" "$target/installing"
    # ci: a download with another checksum than in the lock file is an error. The registry comes from the user's own npm
    # configuration.
    npm ci --prefix "$target/installing" --omit=dev --ignore-scripts --no-audit --no-fund >&2
    mv "$target/installing" "$home"
fi

echo "$home"
