#!/bin/sh
# Makes the parser, runs its tests, and parses all .neuro files of the folders that are given. Fails on any error.
#
#     sh test.sh [FOLDER …]        TREE_SITTER=/path/to/tree-sitter if it is not in PATH
#
# Works in a temporary folder: nothing that is made stays.
set -eu
tree_sitter=${TREE_SITTER:-tree-sitter}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in "$@"; do find "$(cd "$folder" && pwd -P)" -name '*.neuro'; done | sort > "$work/files"

mkdir "$work/grammar" "$work/grammar/src"
cp -R "$here/grammar.js" "$here/tree-sitter.json" "$here/package.json" "$here/queries" "$here/test" "$work/grammar"
cp "$here/src/scanner.c" "$work/grammar/src"
cd "$work/grammar"
export XDG_CACHE_HOME="$work/cache" TREE_SITTER_LIBDIR="$work/lib"
mkdir -p "$XDG_CACHE_HOME" "$TREE_SITTER_LIBDIR"

"$tree_sitter" generate
"$tree_sitter" test
if [ $# -gt 0 ]; then
    [ -s "$work/files" ] || { echo "no .neuro files in $*" >&2; exit 1; }
    # Prints the files with errors only, and a summary; with errors its status is not 0.
    "$tree_sitter" parse --quiet --stat --paths "$work/files" 2> "$work/warnings" || { cat "$work/warnings" >&2; exit 1; }
    "$tree_sitter" query --captures queries/highlights.scm "$(head -n 1 "$work/files")" > /dev/null 2> "$work/warnings" || { cat "$work/warnings" >&2; exit 1; }
fi
