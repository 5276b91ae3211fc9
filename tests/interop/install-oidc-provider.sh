#!/bin/sh
# Installs the oidc-provider that the interop suite signs in to and prints the folder it is in.
# Usage: install-oidc-provider.sh [target folder]    (needs Node 20.12 or newer and npm on the PATH)
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
    # Renamed into place only when whole: an install that was cut short leaves nothing that looks finished.
    rm -rf "$target/installing"
    mkdir "$target/installing"
    cp "$source/package.json" "$source/package-lock.json" "$target/installing"
    # ci: what does not match the checksums of the lock is an error. It says which versions, not where they come from:
    # that is for whoever runs this to say, in their own npm configuration.
    npm ci --prefix "$target/installing" --omit=dev --ignore-scripts --no-audit --no-fund >&2
    mv "$target/installing" "$home"
fi

echo "$home"
