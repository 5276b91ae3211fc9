#!/bin/sh
# Installs the Keycloak that the interop suite signs in to and prints the folder it is in.
# Usage: install-keycloak.sh [target folder]    (needs Java 17 or newer and mvn on the PATH)
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
    # Renamed into place only when whole: an install that was cut short leaves nothing that looks finished.
    rm -rf "$target/unpacking"
    mkdir "$target/unpacking"
    # From within: the plugin notes what it has unpacked in a folder under the current one, and skips that the next time.
    cd "$target/unpacking"
    # -C: a download that does not match its published checksum is an error. Maven reports on stdout, which is ours.
    mvn --batch-mode --quiet -C "$unpack" \
        -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$target/unpacking" >&2
    mv "$target/unpacking/keycloak-$version" "$home"
    rm -rf "$target/unpacking"
fi

echo "$home"
