#!/usr/bin/env python3
"""Every example in several processes under mpirun gives the files of one, and what was stopped in two goes on in three:
tests/ranks/examples.py BINARY [NAME…]

The binary must be built with `--features mpi`. Of each experiment of each file in examples/ a shortened copy is run: with `--set` and
shorter runs of the list below, and every network of it is saved at the end of its block. States that are saved, recordings, measures,
figures and what is printed must be equal, byte for byte. Without NEURO_SLOW=1 only those marked as small are run; names choose others
(`coba`, `coba:coba_networks`).
"""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

# Units of times, in milliseconds.
UNITS = {"ms": 1.0, "s": 1000.0}


class Entry:
    """How an experiment is shortened: to how many milliseconds each `run` of a literal time is, how many each second is that it names,
    whether it ends with the last `run` or signal, and what is set. Those that are small are run where only some are."""

    def __init__(self, cap=None, second=None, cut=False, small=False, **settings):
        self.cap, self.second, self.cut, self.small, self.settings = cap, second, cut, small, settings


# An experiment that is not here runs as it is.
SHORTENED = {
    "ball_and_stick:ball_and_stick": Entry(5, cut=True),
    "brain_score:brain_score": Entry(images=320),
    "brain_score:family": Entry(images=320, widths=1, steps=1),
    "brunel:synchronous_regular": Entry(50, cut=True),
    "brunel:fast_oscillation": Entry(50, cut=True),
    "brunel:asynchronous_irregular": Entry(50, cut=True),
    "brunel:slow_oscillation": Entry(50, cut=True),
    "burst_cifar:burst_cifar": Entry(examples=320, test=100, epochs=2),
    "burst_cifar:study": Entry(examples=64, epochs=2, c1=4, c2=4, c3=4, n=16),
    "burst_mnist:mnist_digits": Entry(examples=640, epochs=1),
    "burst_mnist:inhibition": Entry(examples=320),
    "burst_rule:periodic": Entry(2000),
    "burst_rule:poisson_pairing": Entry(1000),
    "burst_rule:burst_pairing": Entry(1000),
    "burst_rule:populations": Entry(second=10, cut=True),
    "burst_xor:burst_xor": Entry(epochs=1, patience=1, T="2s", tau_avg="0.2s"),
    "cake:labels": Entry(images=1000, epochs=1, draws=1, presentations=500),
    "cake:teachers": Entry(images=1000, epochs=1, draws=1, lessons=100),
    "coba:coba": Entry(cut=True, duration="300ms", small=True),
    "coba:coba_networks": Entry(second=20),
    "credit_assignment:credit_assignment": Entry(seeds=1, epochs=2, n=20),
    "cuba:cuba": Entry(second=40),
    "decision:resting": Entry(100, cut=True, n=400),
    "decision:choice": Entry(n=400, trials=1),
    "decision:no_motion": Entry(100, cut=True),
    "dendritic_transfer:dendritic_transfer": Entry(second=100, n=2000),
    "dendritic_transfer:normalization": Entry(10, window="10ms"),
    "diehl_cook:diehl_cook": Entry(n=20, train=20, label_images=20, test_images=20),
    "diehl_cook:without_adaptation": Entry(n=20, train=20, test_images=50),
    "equilibrium_propagation:mnist_digits": Entry(learned=200, epochs=2, seeds=2),
    "equilibrium_propagation:mnist_two_layers": Entry(epochs=1, free_steps=4, nudged_steps=2),
    "equilibrium_propagation:mnist_three_layers": Entry(epochs=1, free_steps=4, nudged_steps=2),
    "equilibrium_propagation:published_two_layers": Entry(examples=200, tested=100, epochs=2, free_steps=10, watch=2),
    "equilibrium_propagation:published_three_layers": Entry(examples=200, tested=100, epochs=2, free_steps=10, watch=2),
    "equilibrium_propagation:persistence": Entry(epochs=2),
    "fear_conditioning:fear_conditioning": Entry(100),
    "fear_conditioning:blocked_in_part": Entry(100),
    "fear_conditioning:time_step": Entry(1000),
    "feedback_alignment:linear": Entry(seeds=2),
    "feedback_alignment:initial_weights": Entry(seeds=2),
    "feedback_alignment:nonlinear": Entry(examples=1000),
    "feedback_alignment:mnist_digits": Entry(n_hidden=50, epochs=2),
    "feedback_alignment:mnist_half_absent": Entry(n_hidden=50, epochs=2),
    "fly_brain:driven_cells": Entry(duration="100ms"),
    "fly_brain:sugar_630": Entry(20, cut=True, trials=1),
    "fly_brain:sugar_783": Entry(20, cut=True, trials=1),
    "hay_like:bac": Entry(10),
    "hay_like:window": Entry(5),
    "hay_like:threshold": Entry(5),
    "hay_like:blocked": Entry(10),
    "hay_like:attenuation": Entry(10),
    "hay_like:gain": Entry(5, time="5ms"),
    "hemibrain:kenyon_cells": Entry(odours=1),
    "hh_coba:hh_coba": Entry(second=20),
    "inhibitory_balance:inhibitory_balance": Entry(100, cut=True),
    "invariance:invariance": Entry(examples=200, epochs=1, test=50),
    "larva:senses": Entry(runs=10, times=1, small=True),
    "looming:looming": Entry(duration="20ms"),
    "ltp_ltd:tetanus": Entry(500),
    "microcircuit:microcircuit": Entry(scale=0.02, networks=1, warm="100ms", duration="200ms"),
    "microcircuit_areas:areas": Entry(warm="50ms", duration="500ms"),
    "microcircuit_areas:pulse": Entry(2, cut=True),
    "microcircuit_areas:pulse_agranular": Entry(2, cut=True),
    "multiplexing:multiplexing": Entry(second=100, cut=True),
    "multiplexing:strong_facilitation": Entry(50, cut=True),
    "node_perturbation:exclusive_or": Entry(seeds=1, steps=500),
    "optic_lobe:polarity": Entry(100),
    "predictive_coding:small_digits": Entry(seeds=1, epochs=14),
    "predictive_coding:mnist_digits": Entry(examples=200, epochs=2),
    "reward:grid_world": Entry(agents=20, episodes=50, longest=20),
    "reward_stdp:reward_stdp": Entry(T="60s"),
    "ring_attractor:memory": Entry(delay_time="50ms"),
    "ring_attractor:printed": Entry(n=256, delay_time="20ms"),
    "segregated_dendrites:rate_mode": Entry(examples=100, passes=1),
    "segregated_dendrites:two_hidden": Entry(examples=100, passes=1),
    "segregated_dendrites:spiking": Entry(examples=5, test=5, passes=1, tested=1, n=50),
    "segregated_dendrites:spiking_none": Entry(examples=5, test=5, passes=1),
    "segregated_dendrites:spiking_two": Entry(examples=5, test=5, passes=1),
    "segregated_dendrites:spiking_two_full": Entry(examples=5, test=5, passes=1, tested=1),
    "spiking_actor_critic:water_maze": Entry(agents=1, controls=1, trials=2, limit="500ms"),
    "spiking_actor_critic:without_critic": Entry(agents=1, others=1, trials=2, limit="500ms"),
    "stdp_balance:stdp_balance": Entry(second=10),
    "stdp_window:stdp_window": Entry(2000, small=True),
    "triplet_frequency:triplet_frequency": Entry(2000),
    "unsupervised:principal_components": Entry(seeds=1, epochs=1, oja_epochs=1),
    "unsupervised:competing": Entry(cut=True, images=1000, epochs=1, labels=200),
    "unsupervised:bars": Entry(seeds=1, batches=50),
    "worm:worm": Entry(50),
    "worm:propagation": Entry(50),
}


def experiments(text):
    """The experiments of a source: their names, and where they begin and end."""
    for found in re.finditer(r"^experiment (\w+)[^{]*\{", text, re.M):
        end = text.index("\n}", found.end()) + 1
        yield found.group(1), found.start(), end


def shortened(text, name, entry):
    """The source with one experiment made shorter, whose networks are saved."""
    start, end = next((s, e) for n, s, e in experiments(text) if n == name)
    # How long something takes is never the same.
    body = text[start:end].replace("wall_clock()", "0 ms")

    def scaled(found):
        return f"{float(found[1]) * UNITS[found[2]] * entry.second / 1000:g} ms"

    def capped(found):
        return f"run {min(float(found[1]) * UNITS[found[2]], entry.cap):g} ms"

    if entry.second is not None:
        # Of milliseconds, only hundreds: what is shorter is a step, a bin or a delay.
        body = re.sub(r"\b(?=[0-9.]+ s\b|[0-9]{3,} ms\b)([0-9.]+) (s|ms)\b", scaled, body)
    if entry.cap is not None:
        body = re.sub(r"\brun ([0-9.]+) (ms|s)\b(?! [*+/-])", capped, body)
    if entry.cut:
        body = until_last_run(body)
    return text[:start] + with_saves(body) + text[end:]


def until_last_run(body):
    """Leaves out what follows the last statement in which time passes or something is learned."""
    lines = body.rstrip().split("\n")
    begins = [k for k, line in enumerate(lines) if re.match(r" {4}[^ }]", line)] + [len(lines)]
    runs = [k for k, line in enumerate(lines) if re.match(r"[^#]*\b(run|signal) ", line)]
    return "\n".join(lines[: next(k for k in begins if k > runs[-1])]) + "\n"


def with_saves(body):
    """Saves each network at the end of the block that makes it; a block of one line is left alone."""
    lines = body.split("\n")
    out, open_blocks = [], []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        while open_blocks and line.strip().startswith("}") and open_blocks[-1][0] > indent:
            at, network = open_blocks.pop()
            out.append(f'{" " * at}save {network} to "{network}.state"')
        made = re.match(r"( +)network (\w+) = ", line)
        if made and not any(network == made.group(2) for _, network in open_blocks):
            open_blocks.append((len(made.group(1)), made.group(2)))
            open_blocks.sort()
        out.append(line)
    while open_blocks:
        at, network = open_blocks.pop()
        out.append(f'{" " * at}save {network} to "{network}.state"')
    return "\n".join(out)


# Processes that wait leave the processor to others, and none is bound to one that somebody else uses.
LAUNCH = "mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 --mca btl self,vader".split()

# The longest that a run may take, in seconds.
LONGEST = 600


class Failed(Exception):
    """What is not as it should be."""


class Missing(Exception):
    """What cannot be run here."""


class Place:
    """Where the shortened copy of an experiment is run."""

    def __init__(self, binary, folder, stem, name):
        self.binary, self.name, self.entry = binary, name, SHORTENED.get(f"{stem}:{name}", Entry())
        self.folder = Path(folder) / f"{stem}-{name}"
        self.source = self.folder / f"{stem}.neuro"
        shutil.copytree(EXAMPLES, self.folder)
        self.source.write_text(shortened(self.source.read_text(), name, self.entry))

    def command(self, results, *more):
        settings = [f"--set={key}={value}" for key, value in self.entry.settings.items()]
        options = ["--quiet", "--threads", "1", "--results", results]
        return [self.binary, "run", self.source.name, self.name, *options, *settings, *more]

    def run(self, ranks, results, *more):
        """Runs it to its end; returns whether an expectation failed, and what is printed."""
        command = ([*LAUNCH, "-n", str(ranks)] if ranks > 1 else []) + self.command(results, *more)
        out = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=LONGEST)
        record = self.folder / results / self.name / "run.json"
        if not record.exists() or json.loads(record.read_text())["complete"] is not True:
            absent = re.search(r"E0814.*|E0802.*\n.*\n.*\n.*\n.*No such file.*", out.stderr)
            if absent and ranks == 1:
                raise Missing("its data are not here")
            raise Failed(f"in {ranks} processes: " + (out.stderr.strip() or f"ends with {out.returncode}"))
        return out.returncode != 0, out.stdout

    def stops(self, ranks, results, after):
        """Runs until so many seconds are over; returns whether there is a checkpoint then."""
        try:
            self.run(ranks, results, "--checkpoint-every", "1h", "--max-time", f"{after:.3f}s")
        except Failed:
            return any((self.folder / results).rglob("checkpoint.state"))
        return False

    def same(self, one, other):
        """Compares all files; returns how many there are."""
        a, b = (self.folder / results / self.name for results in (one, other))
        names = {path.name for path in a.iterdir()} | {path.name for path in b.iterdir()}
        # The record has times, and PDF the time at which it was made.
        names = {name for name in names if name != "run.json" and not name.endswith(".pdf")}
        differ = filecmp.cmpfiles(a, b, names, shallow=False)
        if differ[1] or differ[2]:
            raise Failed(f"{other}: {', '.join(differ[1] + differ[2])} is not as in {one}")
        return len(names)


# When a run is stopped: in parts of the time that it takes, or else where it first can be, in seconds.
PARTS = (0.4, 0.1)
AT_ONCE = 0.001


def compare(place):
    """Runs it in several processes; returns how many files are equal, how long each took, and whether one was stopped and went on."""
    begun = time.monotonic()
    one = place.run(1, "one")
    took = [time.monotonic() - begun]
    for ranks in (2, 3, 4):
        begun = time.monotonic()
        there = place.run(ranks, str(ranks))
        took.append(time.monotonic() - begun)
        files = place.same("one", str(ranks))
        if there != one:
            raise Failed(f"what is printed in {ranks} processes is not what one prints")
    # The launcher takes time as well, which is not known.
    times = [part * took[1] for part in PARTS] + [AT_ONCE]
    stopped = next((f"after {after}" for after in times if place.stops(2, f"after {after}", after)), None)
    if stopped:
        place.run(3, stopped, "--checkpoint-every", "1h", "--resume")
        place.same("one", stopped)
    return files, took, stopped


def wanted(key, chosen):
    """Whether an experiment is run: one that is named, or one of all, or of those that are small."""
    if chosen:
        return key in chosen or key.split(":")[0] in chosen
    return os.environ.get("NEURO_SLOW") == "1" or SHORTENED.get(key, Entry()).small


def main():
    binary = os.path.realpath(sys.argv[1])
    os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(EXAMPLES.glob("*.neuro")):
            for name, _, _ in experiments(path.read_text()):
                key = f"{path.stem}:{name}"
                if not wanted(key, sys.argv[2:]):
                    continue
                try:
                    place = Place(binary, folder, path.stem, name)
                    files, took, stopped = compare(place)
                    how = "stopped in 2 and resumed in 3" if stopped else "over before it could be stopped"
                    print(f"ok      {key}: {files} files, {how}; {' '.join(f'{t:.1f}' for t in took)} s", flush=True)
                except Missing as why:
                    print(f"left    {key}: {why}", flush=True)
                except (Failed, subprocess.TimeoutExpired) as why:
                    failed.append(key)
                    print(f"FAILED  {key}: {why}", flush=True)
                shutil.rmtree(place.folder)
    if failed:
        sys.exit(f"examples: {len(failed)} differ or cannot be run: {' '.join(failed)}")


main()
