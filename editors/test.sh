#!/bin/sh
# Tests the extension for VS Code and packages it (vscode/neuro.vsix), and tests the grammar for tree-sitter on all programs.
#
#     sh editors/test.sh        NEURO=/path/to/neuro compiles the snippets, too; TREE_SITTER=/path/to/tree-sitter if it is not in PATH
#
# Needs Node 20 or newer and npm. Without tree-sitter its part is left out, and that is said.
set -eu
editors=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$editors/.." && pwd)
tree_sitter=${TREE_SITTER:-tree-sitter}

cd "$editors/vscode"
npm ci --no-audit --no-fund --loglevel=error
npm test
npm run package

node "$editors/tree-sitter/test/words.js" "$root/grammar/neuro.pest"
if command -v "$tree_sitter" > /dev/null; then
    TREE_SITTER="$tree_sitter" sh "$editors/tree-sitter/test.sh" "$root/examples" "$root/stdlib"
else
    echo "tree-sitter: skipped, the generator is not installed (cargo install tree-sitter-cli --locked --no-default-features)"
fi
