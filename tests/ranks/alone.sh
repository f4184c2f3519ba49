#!/usr/bin/env bash
# Does something in one process of several before the program begins: tests/ranks/alone.sh RANK 'ulimit -f 64' PROGRAM ARGUMENT…
set -euo pipefail
# What is written beyond a limit is an error, not a signal.
trap '' XFSZ
rank=$1 first=$2
shift 2
[ "$OMPI_COMM_WORLD_RANK" != "$rank" ] || eval "$first"
exec "$@"
