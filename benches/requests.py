"""What a request to a stepped network takes in Python, beside what it asks for: python benches/requests.py, with the package installed.

The network is ten cells whose step takes a fraction of a microsecond. Of each request the best of fifteen rounds counts.
"""
import time

import neuro

MODEL = """
neuron Cell {
    state v = 0 mV
    v' = -v / 10 ms
    on learn { v = v / 2 }
}
network Net(n: int = 10) { population exc: Cell[n] }
"""


def microseconds(request, times=3000):
    best = float("inf")
    for _ in range(15):
        began = time.perf_counter()
        for _ in range(times):
            request()
        best = min(best, (time.perf_counter() - began) / times)
    return best * 1e6


def main():
    sim = neuro.compile(source=MODEL).instantiate("Net")

    def assign():
        sim.exc.v = 1.0

    work = microseconds(lambda: sim.step(1000), 200) / 1000
    print(f"a step itself        {work:8.3f} us")
    requests = {
        "sim.step(1)": lambda: sim.step(1),
        "sim.exc.v": lambda: sim.exc.v,
        "sim.exc.v = 1.0": assign,
        "sim.signal('learn')": lambda: sim.signal("learn"),
        "sim.t": lambda: sim.t,
        "mean(net.exc.v)": lambda: sim.value("mean(net.exc.v)"),
    }
    for name, request in requests.items():
        print(f"{name:20} {microseconds(request):8.2f} us")


main()
