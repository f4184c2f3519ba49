"""Backpropagation through a convolutional network, in PyTorch and in Neuro by turns: CPU time of one thread, and wall time of two.

    python3 benches/peers/convolution.py NEURO [TURNS]

NEURO is the binary. The network is that of `examples/burst_cifar.neuro` at the size of the paper: convolutions of 64 maps (5 x 5, stride 2),
128 (5 x 5, stride 2) and 256 (3 x 3), a dense layer of 1024 and ten outputs, all logistic, batch 32, momentum and decay. Time is that of
640 examples less that of 64, images being there already.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import time

import torch

study = pathlib.Path(__file__).resolve().parents[2] / "examples" / "burst_cifar.neuro"
MODEL = """use "{study}": DeepBackprop
experiment e(batches: int = 2) {{
    network net = DeepBackprop(c1 = 64, c2 = 128, c3 = 256, n = 1024) with batch 32 sum
    net.image.r ~ normal(0, 1)
    signal learn
    let begun = wall_clock()
    for k in 1 .. batches {{
        net.image.r = 0.999 * net.image.r
        net.outputs.teach = 0.1 - net.outputs.r
        signal learn
    }}
    measure took = wall_clock() - begun
}}
"""


def neuro(binary, threads, folder):
    took = {}
    for batches in (2, 20):
        command = [binary, "run", str(folder / "net.neuro"), "--threads", str(threads), "--set", f"batches={batches}"]
        out = subprocess.run([*command, "--results", str(folder), "--allow-read", str(study.parent)], capture_output=True, text=True, check=True).stdout
        number, unit = re.search(r"took = ([0-9.e-]+) (\S+)", out).groups()
        took[batches] = float(number) * {"s": 1, "ms": 1e-3, "min": 60, "us": 1e-6}[unit]
    return (took[20] - took[2]) / (18 * 32)


def peer(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 5, stride=2), torch.nn.Sigmoid(),
        torch.nn.Conv2d(64, 128, 5, stride=2), torch.nn.Sigmoid(),
        torch.nn.Conv2d(128, 256, 3), torch.nn.Sigmoid(), torch.nn.Flatten(),
        torch.nn.Linear(2304, 1024), torch.nn.Sigmoid(), torch.nn.Linear(1024, 10), torch.nn.Sigmoid(),
    )
    rule = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-6)
    images, targets = torch.randn(32, 3, 32, 32), torch.full((32, 10), 0.1)

    def learn(batches):
        begun = time.perf_counter()
        for _ in range(batches):
            rule.zero_grad()
            (0.5 * (net(images) - targets) ** 2).sum().backward()
            rule.step()
        return time.perf_counter() - begun

    learn(2)
    return learn(18) / (18 * 32)


binary, turns = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    (folder / "net.neuro").write_text(MODEL.format(study=study))
    for threads in (1, 2):
        ours, theirs = [], []
        for _ in range(turns):
            ours.append(neuro(binary, threads, folder))
            theirs.append(peer(threads))
        ours, theirs = sorted(ours)[turns // 2], sorted(theirs)[turns // 2]
        print(f"{threads} threads: {1 / ours:.0f} images/s, PyTorch {torch.__version__} {1 / theirs:.0f}: {theirs / ours:.2f} times as fast")
