#!/usr/bin/env bash
# Runs two small models under valgrind, with every back end: valgrind.sh BINARY
#
# Valgrind knows no AVX-512: under it a processor has AVX2 at most, whatever it is, so `wide` means 256 bits here. The code for
# 512 bits is checked by equality with the interpreter (tests/suite/codegen.rs, where the processor has it).
set -euo pipefail
neuro=$(realpath "$1")
models=$(realpath "$(dirname "$0")/valgrind")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
check=(valgrind --error-exitcode=99 -q)
for backend in interpreter cranelift wide; do
    if [ "$backend" = wide ] && ! { grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; }; then
        echo "valgrind: SKIPPED back end wide: this processor has no AVX2 with FMA"
        continue
    fi
    for model in plastic convolution; do
        begin=$SECONDS
        (cd "$folder" && "${check[@]}" "$neuro" run "$models/$model.neuro" --quiet --threads 2 --backend "$backend" \
            --results "$backend" > "$model.txt" 2>&1) || { cat "$folder/$model.txt"; echo "valgrind: $model on $backend FAILED"; exit 1; }
        cmp "$folder/interpreter/$model/measures.json" "$folder/$backend/$model/measures.json"
        echo "valgrind: $model on $backend: no errors, the bits of the interpreter, $((SECONDS - begin)) s"
    done
done
