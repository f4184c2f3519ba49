#!/bin/sh
# Makes the pictures of docs/gallery.md that no page of a study has already: `sh docs/gallery.sh`, or `sh docs/gallery.sh NAME…` for some of them.
# Experiments run at the size of the tests, about four minutes of one core in all. Needs a release build (or NEURO=path), python3 with Pillow (or
# PYTHON=path) and, for connectomes and digits, the data of `neuro data list`. What cannot be made is named, and stays as it is.
set -u
cd "$(dirname "$0")/.."
neuro=${NEURO:-target/release/neuro}
python=${PYTHON:-python3}
out=docs/figures/gallery
chosen="$*"
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

picture() { # picture and file, experiment, figure, options of `neuro plot` …
    name=$1 experiment=$2 figure=$3
    shift 3
    [ -z "$chosen" ] || case " $chosen " in *" $name "*) ;; *) return 0 ;; esac
    # An expectation that does not hold is said, and is no reason to have no picture.
    "$neuro" run "examples/$name.neuro" "$experiment" --quiet --results "$work/$name" >"$work/output" 2>&1 || grep -h '^error' "$work/output"
    from=$work/$name/$experiment
    if [ $# -gt 0 ]; then
        "$neuro" plot "$from" "$figure" "$@" --formats png --to "$work/$name/drawn" >"$work/output" 2>&1 && from=$work/$name/drawn || cat "$work/output"
    fi
    if [ -e "$from/$figure.png" ] && "$python" - "$from/$figure.png" "$out/$name.png" <<'PY'; then
import sys
from PIL import Image
image = Image.open(sys.argv[1]).convert("RGB")
image = image.resize((640, round(image.height * 640 / image.width)), Image.LANCZOS)
image.quantize(48, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(sys.argv[2], optimize=True)
PY
        echo "$name: $(($(wc -c <"$out/$name.png") / 1000)) kB"
    else
        echo "$name: no picture"
        failed=1
    fi
}

#       picture and file      experiment               figure                                     how it is drawn, if not as the file says
picture ball_and_stick        ball_and_stick           soma
picture coba                  coba                     COBA                                       --as "cells(100)" --x 4s..5s
picture cuba                  cuba                     CUBA                                       --as "cells(100)" --x 4s..5s
picture hh_coba               hh_coba                  v
picture brunel                asynchronous_irregular   Asynchronous_irregular                     --as "cells(50)" --x 2s..2.4s
picture inhibitory_balance    inhibitory_balance       Inhibitory_balance
picture microcircuit          microcircuit             Microcircuit                               --as "cells(150)" --x 2s..3s
picture microcircuit_areas    pulse_agranular          A_pulse_in_TH
picture stdp_window           stdp_window              STDP_window
picture stdp_balance          stdp_balance             Weights_at_15_Hz
picture triplet_frequency     triplet_frequency        Pairing_frequency
picture ltp_ltd               protocols                Change_of_the_mean_efficacy                --as points
picture fear_conditioning     fear_conditioning        Fear_conditioning
picture reward_stdp           reward_stdp              Weights
picture burst_rule            burst_pairing            Pairing_of_burst_trains
picture dendritic_transfer    dendritic_transfer       Dendritic_transfer
picture multiplexing          multiplexing             Burst_probabilities
picture segregated_dendrites  rate_mode                Error_by_the_number_of_hidden_layers
picture worm                  propagation              Share_of_pairs_with_a_measured_signal
picture larva                 senses                   Cells_of_the_brain_that_a_sense_reaches    --as bars
picture hemibrain             kenyon_cells             Kenyon_cells_that_answer                   --as bars
picture looming               looming                  Spikes_of_the_giant_fibre                  --as bars
exit $failed
