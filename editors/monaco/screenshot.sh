#!/bin/sh
# Pictures of the page with an error under a hover, and with completions: hover.png and completion.png in a folder.
# Fails if there is no error, no hover or no completion, so that it is a test as well.
#
#     NEURO=/path/to/neuro CHROMIUM=/usr/bin/chromium sh screenshot.sh [FOLDER]
set -eu
folder=$(mkdir -p "${1:-.}" && cd "${1:-.}" && pwd)
cd "$(dirname "$0")"
[ -d node_modules ] || PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci
node screenshot.js "$folder"
