#!/bin/sh
# Measures its standard input. Replace it by your program.
set -eu
# shellcheck disable=SC2046
set -- $(wc -l -w -c)
echo "lines=$1 words=$2 bytes=$3"
