#!/usr/bin/env bash
# Builds the package in a fresh virtual environment and runs its tests: python/test.sh [FOLDER]. Without a folder it is a temporary one.
# NEURO names the binary whose results are compared; without it, `neuro` is built by Cargo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
if [ -z "${NEURO:-}" ]; then
    cargo build --release --manifest-path "$here/../Cargo.toml"
    NEURO="${CARGO_TARGET_DIR:-$here/../target}/release/neuro"
fi
NEURO=$(realpath "$NEURO")
export NEURO
python3 -m venv "$folder/venv"
# In this checkout's target folder and in the profile of the tests, so that what others have compiled is used again.
MATURIN_PEP517_ARGS="--profile release" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/../target}" \
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall "$here[test]"
# From elsewhere, so that the package is taken that was installed.
cd "$folder"
"$folder/venv/bin/python" -m pytest -q -p no:cacheprovider "$here/tests"
