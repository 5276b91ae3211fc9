#!/bin/sh
# Installs Amazon's DynamoDB Local, for the tests of the store and the flows, and prints the folder with its jars and
# native libraries. Usage: install-dynamodb-local.sh [target folder] (needs Java 17 or newer and mvn on the PATH)
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
    # Renamed into place at the end, so that an interrupted install does not look finished.
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
    # -C: a download with a wrong checksum is an error. Maven writes to stdout, which is reserved for our output.
    mvn --batch-mode --quiet -C -f "$target/copying/pom.xml" "$copy" \
        -DincludeScope=runtime -DoutputDirectory="$target/copying/lib" >&2
    mv "$target/copying/lib" "$home"
    rm -rf "$target/copying"
fi

echo "$home"
