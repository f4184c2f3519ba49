"""A made-up thick-tufted pyramidal cell of layer 5, in round numbers: a soma of 20 um, a trunk that ends 650 um from its middle, twelve
oblique dendrites, a tuft of three branches that fork twice and end at 1300 um, eight basal dendrites that fork once, 60 um of axon.

    python layer5.py > layer5.swc
"""
import math

SOMA, AXON, BASAL, APICAL = 1, 2, 3, 4
lines = []


def add(kind, at, radius, parent):
    lines.append((kind, *(round(x, 2) + 0.0 for x in at), round(radius, 3), parent))
    return len(lines)


def branch(kind, parent, at, angle, turn, length, radii, n):
    """n steps along a line from `at`, `angle` away from straight up; the last sample and its place."""
    step = [length / n * x for x in (math.sin(angle) * math.cos(turn), math.cos(angle), math.sin(angle) * math.sin(turn))]
    for k in range(n + 1):
        if k == 0 and parent != 1:
            continue  # the sample of the parent is the beginning
        parent = add(kind, [a + k * s for a, s in zip(at, step)], radii[0] + (radii[1] - radii[0]) * k / n, parent)
    return parent, [a + n * s for a, s in zip(at, step)]


soma = add(SOMA, (0, 0, 0), 10, -1)
end, at = branch(APICAL, soma, (0, 10, 0), 0, 0, 90, (2.5, 1.5), 4)
for k, (length, a, b) in enumerate([(100, 1.5, 1.45), (100, 1.45, 1.4), (350, 1.4, 1.25)]):
    for side in range(4):
        branch(APICAL, end, at, 1.2, math.pi * side / 2 + k, 250, (0.45, 0.3), 3)
    end, at = branch(APICAL, end, at, 0, 0, length, (a, b), 4)
for side in (0, 2 * math.pi / 3, 4 * math.pi / 3):
    fork, there = branch(APICAL, end, at, 0.4, side, 250, (0.9, 0.65), 4)
    for turn in (-1, 1):
        second, where = branch(APICAL, fork, there, 0.6, side + turn, 200, (0.5, 0.4), 3)
        for further in (-0.5, 0.5):
            branch(APICAL, second, where, 0.9, side + turn + further, 200, (0.35, 0.25), 3)
for k in range(8):
    turn = k * math.pi / 4
    start = [10 * x for x in (math.sin(1.9) * math.cos(turn), math.cos(1.9), math.sin(1.9) * math.sin(turn))]
    fork, there = branch(BASAL, soma, start, 1.9, turn, 40, (0.7, 0.6), 2)
    for spread in (-0.3, 0.3):
        branch(BASAL, fork, there, 1.9 + spread, turn + spread, 250, (0.4, 0.3), 3)
branch(AXON, soma, (0, -10, 0), math.pi, 0, 60, (0.5, 0.5), 2)
print("# A made-up pyramidal cell of layer 5, um; by layer5.py.")
for k, line in enumerate(lines, 1):
    print(k, *(f"{x:g}" for x in line))
