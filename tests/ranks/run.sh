#!/usr/bin/env bash
# Several processes under mpirun give the files of one, and a run whose process is killed goes on: tests/ranks/run.sh BINARY
#
# The binary must be built with `--features mpi`. The tests of `tests/suite/ranks.rs` are about everything that reaches from one cell to
# another; here are MPI itself, the first process that writes for all, and a death.
set -euo pipefail
neuro=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# As root OpenMPI wants to be told; processes that wait leave the processor to others, and none is bound to one that somebody else uses.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
launch=(mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 --mca btl self,vader)
cd "$folder"
run=("$neuro" run --quiet --threads 1)
same() {
    for file in "$1"/e/*; do
        case $file in */run.json | *.pdf) continue ;; esac
        cmp "$file" "$2/e/${file##*/}"
    done
}
"${run[@]}" "$here/network.neuro" e --results one > one.txt 2> one.err
for ranks in 2 3 4; do
    "${launch[@]}" -n $ranks "${run[@]}" "$here/network.neuro" e --results $ranks > $ranks.txt 2> $ranks.err
    same one $ranks
    cmp one.txt $ranks.txt
    echo "ranks: the files and the output of one process in $ranks"
done
# A process that dies takes the job with it; what was kept last goes on, in another number of processes.
"${launch[@]}" -n 2 "${run[@]}" "$here/network.neuro" e --results killed --checkpoint-every 0s --set T=2s > killed.txt 2>&1 &
job=$!
for _ in $(seq 300); do
    [ -n "$(find killed -name checkpoint.state 2> /dev/null)" ] && break
    sleep 0.1
done
pkill -9 -n -f "$neuro run .*--results killed" || { echo "ranks: nothing to kill"; exit 1; }
ended=0
wait $job || ended=$?
[ $ended != 0 ] || { echo "ranks: the job went on without a process"; exit 1; }
"${launch[@]}" -n 3 "${run[@]}" "$here/network.neuro" e --results killed --resume --set T=2s > resumed.txt 2> resumed.err
"${run[@]}" "$here/network.neuro" e --results whole --set T=2s > whole.txt 2> whole.err
same whole killed
echo "ranks: killed in 2 processes, resumed in 3, the files of one"
# Whichever process is killed, and whenever: what was kept before goes on, in another number of processes.
RANDOM=${NEURO_TORTURE_SEED:-7}
torn=("${run[@]}" "$here/network.neuro" e --results "$folder/torn" --checkpoint-every 0s --resume --set T=4s)
kills=0
for turn in $(seq "${NEURO_KILLS:-6}"); do
    before=$(find torn -name checkpoint.state 2> /dev/null || true)
    touch begun
    "${launch[@]}" -n $((2 + turn % 3)) "${torn[@]}" > torn.txt 2> torn.err &
    job=$!
    for _ in $(seq 600); do
        [ -z "$(find torn -name checkpoint.state -newer begun 2> /dev/null)" ] && kill -0 $job 2> /dev/null || break
        sleep 0.05
    done
    sleep 0.$((RANDOM % 5))$((RANDOM % 10))
    mapfile -t processes < <(pgrep -f "^$neuro run .*--results $folder/torn" || true)
    [ ${#processes[@]} -gt 0 ] && kill -9 "${processes[RANDOM % ${#processes[@]}]}" 2> /dev/null && kills=$((kills + 1))
    wait $job || true
    if grep -E "E0813|internal error${before:+|no checkpoint is in}" torn.err; then exit 1; fi
done
[ $kills -gt 2 ] || { echo "ranks: only $kills processes were killed"; exit 1; }
"${launch[@]}" -n 3 "${torn[@]}" > torn.txt 2> torn.err
"${run[@]}" "$here/network.neuro" e --results mended --set T=4s > mended.txt 2> mended.err
same mended torn
[ -z "$(find torn -name '.checkpoint*')" ] || { echo "ranks: parts are left"; exit 1; }
echo "ranks: killed $kills times at random moments, the files of one"
# A full disk of one process, and a file that one cannot read, end all of them with what is said of it. Shared memory is a file, too.
ends() {
    local ended=0
    timeout 60 mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 --mca btl self,tcp -n 2 \
        "$here/alone.sh" "${@:3}" > ended.txt 2> ended.err || ended=$?
    [ $ended != 0 ] && [ $ended != 124 ] && grep -q "$1" ended.err && grep -qE "$2" ended.err && ! grep -q "internal error" ended.err \
        || { cat ended.err; echo "ranks: it ends with $ended, not as $1: $2"; exit 1; }
}
full=("${run[@]}" "$here/network.neuro" e --set T=2s)
for rank in 0 1; do
    ends E0809 "a checkpoint cannot be kept: in process $rank: .*File too large" \
        $rank 'ulimit -f 16' "${full[@]}" --results full$rank --checkpoint-every 0s
done
ends E0809 "File too large" 0 'ulimit -f 16' "${full[@]}" --results full
echo "ranks: a disk that is full for one process ends all"
mkdir data
python3 -c 'import struct; h = "{\"descr\": \"<f8\", \"fortran_order\": False, \"shape\": (200,), }"
open("data/potentials.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + h.ljust(117).encode() + b"\n" + struct.pack("<200d", *range(200)))'
export NEURO_DATA=$folder/data
for rank in 0 1; do
    ends E08 "potentials.npy.*in process $rank" $rank 'export NEURO_DATA=/nowhere' "${run[@]}" "$here/reading.neuro" e --results read$rank
done
"${launch[@]}" -n 2 "${run[@]}" "$here/reading.neuro" e --results read > read.txt 2> read.err
echo "ranks: a file that one process cannot read ends all"
# The runs of a sweep are dealt out: its table is that of one process, also where a run fails, and what is there is kept.
sweep=("$neuro" sweep "$here/sweep.neuro" e --over k=1..3 --over J=0.1mV,0.2mV --threads 1)
ended=0
"${sweep[@]}" --results plain > plain.txt 2> plain.err || ended=$?
[ $ended = 1 ] || { echo "ranks: a sweep with a run that fails ends with $ended"; exit 1; }
for ranks in 2 3; do
    ended=0
    "${launch[@]}" -n $ranks "${sweep[@]}" --mpi --results dealt$ranks > dealt.txt 2> dealt.err || ended=$?
    [ $ended = 1 ] || { cat dealt.err; echo "ranks: a sweep in $ranks ends with $ended"; exit 1; }
    cmp plain/sweep.csv dealt$ranks/sweep.csv
    [ "$(cat dealt.txt)" = "dealt$ranks/sweep.csv" ]
    grep -q "FAILED  k=2 J=0.2mV in process" dealt.err
    [ "$(grep -c '^ran .* in process' dealt.err)" = 5 ]
    echo "ranks: the table of one process by a sweep in $ranks"
done
rm -r "dealt3/k=3 J=0.1mV"
"${launch[@]}" -n 3 "${sweep[@]}" --mpi --results dealt3 > again.txt 2> again.err || true
cmp plain/sweep.csv dealt3/sweep.csv
# What failed is there as well, as it came to its end.
[ "$(grep -c '^ran .* in process' again.err)" = 1 ] && [ "$(grep -c '^kept' again.err)" = 4 ]
echo "ranks: a sweep goes on where it was"
# While one process is busy with a long run, the other takes all others; nothing is left of how they were dealt out.
"${launch[@]}" -n 2 "$neuro" sweep "$here/sweep.neuro" e --over T=100s,10ms,20ms,30ms,40ms --threads 1 --jobs 1 --mpi --results uneven > dealt.txt 2> dealt.err
grep -o "in process ." dealt.err | sort | uniq -c | awk '{ print $1 }' | sort -n | tr '\n' ' ' | grep -qx "1 4 "
[ -z "$(find uneven -name '.dealt*')" ] || { echo "ranks: how runs were dealt out is left"; exit 1; }
echo "ranks: runs go to processes as these become free"
# What cannot be dealt out, and what is not a run.
if "${launch[@]}" -n 2 "$neuro" check "$here/network.neuro" > refused.txt 2>&1; then exit 1; fi
grep -q "only \`neuro run\`" refused.txt
