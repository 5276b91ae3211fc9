#!/bin/sh
# Installs Amazon's DynamoDB Local, which the store's suite and the flows can run against, and prints the folder with its
# jars and native libraries.
# Usage: install-dynamodb-local.sh [target folder]    (needs Java 17 or newer and mvn on the PATH)
set -eu

version=2.6.1
copy=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies

target=${1:-$(dirname "$0")/../../target/interop}
mkdir -p "$target"
target=$(cd "$target" && pwd)
home=$target/dynamodb-local-$version

if [ ! -d "$home" ]; then
    for tool in java mvn; do
        command -v "$tool" >/dev/null || { echo "install-dynamodb-local: $tool is not on the PATH" >&2; exit 1; }
    done
    # Renamed into place only when whole: an install that was cut short leaves nothing that looks finished.
    rm -rf "$target/copying"
    mkdir "$target/copying"
    cat >"$target/copying/pom.xml" <<EOF
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>landfall</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>$version</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>com.amazonaws</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>$version</version>
    </dependency>
  </dependencies>
</project>
EOF
    # -C: a download that does not match its published checksum is an error. Maven reports on stdout, which is ours.
    mvn --batch-mode --quiet -C -f "$target/copying/pom.xml" "$copy" \
        -DincludeScope=runtime -DoutputDirectory="$target/copying/lib" >&2
    mv "$target/copying/lib" "$home"
    rm -rf "$target/copying"
fi

echo "$home"
