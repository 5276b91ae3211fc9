#!/bin/sh
# Installs Keycloak for the interop tests, and prints its folder. Usage: install-keycloak.sh [target folder] (needs Java
# 17 or newer and mvn on the PATH)
set -eu

version=26.7.3
unpack=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack

target=${1:-$(dirname "$0")/../../target/interop}
mkdir -p "$target"
target=$(cd "$target" && pwd)
home=$target/keycloak-$version

if [ ! -d "$home" ]; then
    for tool in java mvn; do
        command -v "$tool" >/dev/null || { echo "install-keycloak: $tool is not on the PATH" >&2; exit 1; }
    done
    # Renamed into place at the end, so that an interrupted install does not look finished.
    rm -rf "$target/unpacking"
    mkdir "$target/unpacking"
    # Run in this folder: the plugin records what it unpacked under the current folder, and would skip it the next time.
    cd "$target/unpacking"
    # -C: a download with a wrong checksum is an error. Maven writes to stdout, which is reserved for our output.
    mvn --batch-mode --quiet -C "$unpack" \
        -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$target/unpacking" >&2
    mv "$target/unpacking/keycloak-$version" "$home"
    rm -rf "$target/unpacking"
fi

echo "$home"
