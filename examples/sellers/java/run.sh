#!/bin/sh
# Compiles what has changed and starts the server; Jackson is where Debian puts it, or in JARS.
set -e
here=$(cd "$(dirname "$0")" && pwd)
jars=${JARS:-/usr/share/java}
path=$jars/jackson-core.jar:$jars/jackson-databind.jar:$jars/jackson-annotations.jar
out=${CLASSES:-$here/classes}
if [ ! -e "$out/Seller.class" ] || [ "$here/Seller.java" -nt "$out/Seller.class" ] || [ "$here/Wire.java" -nt "$out/Seller.class" ]; then
  mkdir -p "$out"
  javac -d "$out" -cp "$path" "$here"/Seller.java "$here"/Wire.java
fi
exec java -cp "$path:$out" Seller "$@"
