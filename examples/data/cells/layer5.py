"""A made-up pyramidal cell of layer 5: soma, a trunk that tapers and forks into a tuft, oblique and basal dendrites, a short axon.

    python layer5.py > layer5.swc
"""
import math

lines = []


def add(kind, at, radius, parent):
    lines.append((kind, *(round(x * 8) / 8 for x in at), radius, parent))
    return len(lines)


def branch(kind, parent, start, angle, turn, length, radii, n):
    """n samples along a straight line from `start`, and the last of them; radii from the first to the last."""
    direction = (math.sin(angle) * math.cos(turn), math.cos(angle), math.sin(angle) * math.sin(turn))
    for k in range(n + 1):
        at = [s + d * length * k / n for s, d in zip(start, direction)]
        radius = radii[0] + (radii[1] - radii[0]) * k / n
        parent = add(kind, at, round(radius * 64) / 64, parent)
    return parent, at


soma = add(1, (0, 0, 0), 10, -1)
end, at = soma, (0, 10, 0)
for k, (a, b) in enumerate([(2.75, 2.25), (2.25, 2.0), (2.0, 1.75), (1.75, 1.5)]):
    end, at = branch(4, end, at, 0, 0, 150, (a, b), 5)
    if k < 3:
        for side in (0, 2.1, 4.2):
            branch(4, end, at, 1.3, side + k, 180, (0.75, 0.5), 4)
for side in (0, math.pi):
    fork, there = branch(4, end, at, 0.5, side, 80, (0.9375, 0.8125), 3)
    for spread in (-0.4, 0, 0.4):
        second, where = branch(4, fork, there, 0.5 + spread, side, 60, (0.75, 0.625), 2)
        for turn in (-0.6, 0.6):
            branch(4, second, where, 0.7 + spread, side + turn, 180, (0.625, 0.5), 4)
for k in range(6):
    turn = k * math.pi / 3
    fork, there = branch(3, soma, (10 * math.cos(turn), 0, 10 * math.sin(turn)), 1.9, turn, 50, (0.9375, 0.75), 2)
    for spread in (-0.3, 0.3):
        branch(3, fork, there, 1.9 + spread, turn, 130, (0.5, 0.4375), 3)
branch(2, soma, (0, -10, 0), math.pi, 0, 60, (0.75, 0.5), 3)
print("# A made-up pyramidal cell of layer 5, um; by layer5.py.")
for k, line in enumerate(lines, 1):
    print(k, *(f"{x:g}" for x in line))
