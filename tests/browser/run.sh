#!/usr/bin/env bash
# Opens a report, and the page of a run that goes on, in headless Chromium (by ChromeDriver): both must be drawn, without an error.
# Usage: tests/browser/run.sh NEURO [DIR]; screenshots go into DIR.
set -euo pipefail
neuro=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
shots=${2:-$work}
mkdir -p "$shots"
shots=$(realpath "$shots")
driver_port=45870
page_port=45871

chromedriver --port=$driver_port --log-level=SEVERE > "$work/driver" 2>&1 &
driver=$!
trap 'kill $driver 2> /dev/null || true; rm -rf "$work"' EXIT

ask() { # METHOD PATH [BODY]
    curl -sS --retry 20 --retry-connrefused --retry-delay 1 -X "$1" -H 'Content-Type: application/json' \
        ${3+--data "$3"} "http://127.0.0.1:$driver_port$2"
}

run() { # SCRIPT, whose value is printed
    ask POST "/session/$session/execute/sync" "{\"script\": \"$1\", \"args\": []}" | sed -E 's/^\{"value":"?//; s/"?\}$//'
}

open() { # URL WIDTH HEIGHT
    ask POST "/session/$session/window/rect" "{\"width\": $2, \"height\": $3}" > "$work/answer"
    ask POST "/session/$session/url" "{\"url\": \"$1\"}" > "$work/answer"
}

shoot() { # NAME
    ask GET "/session/$session/screenshot" | sed -E 's/^\{"value":"//; s/"\}$//' | base64 -d > "$shots/$1"
}

must() { # WHAT SCRIPT VALUE
    local found
    for _ in $(seq 200); do
        found=$(run "$2")
        [ "$found" = "$3" ] && return
        sleep 0.2
    done
    echo "$1: found $found, not $3"
    exit 1
}

quiet() { # no errors of the page
    local log
    log=$(ask POST "/session/$session/se/log" '{"type": "browser"}')
    if grep -q '"level":"SEVERE"' <<< "$log"; then
        echo "the page reports errors: $log"
        exit 1
    fi
}

options='"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars"'
session=$(ask POST /session "{\"capabilities\": {\"alwaysMatch\": {\"goog:loggingPrefs\": {\"browser\": \"ALL\"},
    \"goog:chromeOptions\": {\"args\": [$options]}}}}" | sed -E 's/.*"sessionId":"([^"]+)".*/\1/')

cp "$here/model.neuro" "$work"
cd "$work"
"$neuro" run model.neuro -q --report > "$work/out" 2>&1 || true
open "file://$work/results/browser/report.html" 1100 1700
must "drawn" "return document.documentElement.dataset.ready" true
must "panels" "return document.querySelectorAll('.uplot').length" 6
must "text of the model is text" "return document.body.textContent.includes('three parts <of> the run')" true
must "points of the raster" "const i = neuroReport.panelInfo('Activity', 0); return JSON.stringify(i).includes('exc')" true
must "requests" "return performance.getEntriesByType('resource').length" 0
quiet
shoot report.png

"$neuro" run model.neuro -q --watch=$page_port --set part=1s --set parts=300 > "$work/out" 2> "$work/err" &
run=$!
for _ in $(seq 100); do
    grep -q 'open http' "$work/err" && break
    sleep 0.1
done
open "http://127.0.0.1:$page_port/" 1100 900
must "measures have come" "return [...document.querySelectorAll('h2')].some(h => h.textContent.startsWith('Measures'))" true
sleep 3
shoot live.png
kill -INT $run
wait $run || true
must "the end is told" "return document.documentElement.dataset.ready" true
quiet
ask DELETE "/session/$session" > "$work/answer"
echo "the report and the page of a run that goes on are drawn"
