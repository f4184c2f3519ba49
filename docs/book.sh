#!/bin/sh
# Builds the book into target/site, which lies as the repository does, so that links to examples lead to them: `sh docs/book.sh`, then open
# target/site/docs/index.html. Needs mdBook 0.5 (`cargo install mdbook --version 0.5.4 --locked`, or its published binary).
set -eu
cd "$(dirname "$0")/.."
sh docs/summary.sh --check
python3 docs/links.py
"${MDBOOK:-mdbook}" build
mkdir -p target/site/examples
cp examples/*.neuro target/site/examples/
rm -f target/site/docs/*.sh target/site/docs/*.py
printf '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=docs/index.html"><title>Neuro</title>\n' > target/site/index.html
python3 docs/links.py --book target/site/docs
