#!/bin/sh
# Makes docs/SUMMARY.md, the table of contents of the book: `sh docs/summary.sh`. `sh docs/summary.sh --check` fails if it is not up to date.
set -eu
cd "$(dirname "$0")"

# An entry for a page, named by its title, or by the second argument.
entry() { printf '%s- [%s](%s)\n' "$3" "${2:-$(sed -n '/^# /{s///p;q;}' "$1")}" "$1"; }

group() { # folder, indent, pages in their order; others follow by name
    folder=$1; indent=$2; shift 2
    for page in "$@"; do entry "$folder/$page.md" "" "$indent"; done
    for path in "$folder"/*.md; do
        page=$(basename "$path" .md)
        case " README $* " in *" $page "*) ;; *) entry "$path" "" "$indent" ;; esac
    done
}

codes() { # title, first part of the codes
    set -- "$1" errors/"$2"*.md
    [ -e "$2" ] || return 0
    printf '  - [%s]()\n' "$1"; shift
    for path in "$@"; do entry "$path" "" "    "; done
}

summary() {
    printf '# Summary\n\n[Neuro](README.md)\n\n# Learn\n\n'
    entry language/tutorial.md "" ""
    entry gallery.md "" ""
    entry editors.md "" ""
    entry python.md "" ""
    entry formats.md "" ""
    entry scaling.md "" ""
    printf '\n# The language\n\n'
    entry language/README.md "Overview" ""
    group language "" units neurons compartments synapses plasticity networks experiments figures learning worlds learning_signals functions semantics tutorial |
        grep -v '(language/tutorial.md)'
    printf '\n# The library\n\n'
    entry library/README.md "Modules" ""
    for kind in neurons channels synapses plasticity sources worlds pynn constants; do
        [ -e "library/$kind.md" ] && entry "library/$kind.md" "" "" && continue
        printf -- '- [std.%s]()\n' "$kind"
        for path in library/"$kind".*.md; do entry "$path" "" "  "; done
    done
    printf '\n# Studies\n\n'
    group studies "" credit_assignment feedback_alignment equilibrium_propagation predictive_coding burst_xor burst_cifar segregated_dendrites \
        diehl_cook unsupervised cake invariance brain_score reward spiking_actor_critic working_memory microcircuit microcircuit_areas connectomes
    entry studies/sheets/README.md "" ""
    group studies/sheets "  "
    printf '\n# How it is built\n\n'
    for page in architecture performance security; do entry $page.md "" ""; done
    printf '\n# Diagnostics\n\n'
    printf -- '- [Codes]()\n'
    codes "E01: syntax, and what is not supported" E01
    codes "E02: names" E02
    codes "E03: units" E03
    codes "E04: values and shapes" E04
    codes "E05: equations of cells" E05
    codes "E06: networks" E06
    codes "E07: synapses that learn" E07
    codes "E08: runs and files" E08
    codes "Warnings" W
}

if [ "${1:-}" = --check ]; then
    summary | diff - SUMMARY.md >&2 || { echo "docs/SUMMARY.md is not up to date: sh docs/summary.sh" >&2; exit 1; }
else
    summary > SUMMARY.md
fi
