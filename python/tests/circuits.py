"""A circuit of SONATA with all that makes it hard to read, and what NumPy makes of it: exact integration in the order of NEST."""

import json

import numpy as np

NETWORK = {
    "manifest": {"$BASE": "${configdir}", "$NET": "$BASE/network"},
    "target_simulator": "NEST",
    "components": {"point_neuron_models_dir": "$BASE/models", "synaptic_models_dir": "$BASE/models"},
    "networks": {
        "nodes": [
            {"nodes_file": "$NET/v1_nodes.h5", "node_types_file": "$NET/v1_node_types.csv"},
            {"nodes_file": "$NET/lgn_nodes.h5", "node_types_file": "$NET/lgn_node_types.csv"},
        ],
        "edges": [
            {"edges_file": "$NET/edges.h5", "edge_types_file": "$NET/edge_types.csv"},
            {"edges_file": "$NET/nowhere.h5", "edge_types_file": "$NET/nowhere.csv", "enabled": False},
        ],
    },
}
SIMULATION = {
    "network": "circuit_config.json",
    "run": {"tstop": 200.0, "dt": 0.1},
    "conditions": {"v_init": -68.0},
    "node_sets_file": "node_sets.json",
    "inputs": {
        "off": {"input_type": "spikes", "module": "nwb", "enabled": False},
        "spikes": {"input_type": "spikes", "module": "sonata", "input_file": "spikes.h5", "node_set": "LGN"},
        "clamp": {
            "input_type": "current_clamp",
            "module": "IClamp",
            "node_set": "some",
            "amp": [300.0, 150.0],
            "delay": [50.0, 80.0],
            "duration": [60.0, 20.0],
        },
    },
    "reports": {"potential": {"cells": "reported", "variable_name": "V_m", "module": "multimeter_report", "dt": 0.5}},
}


def table(text):
    """A file of types: columns separated by spaces."""
    return "\n".join(" ".join(line.split()) for line in text.strip().split("\n")) + "\n"


class Numbers:
    """The circuit as arrays."""

    def __init__(self, seed=1, n=40, edges=600):
        draw = np.random.default_rng(seed)
        self.n = n
        # Ids with gaps, in no order.
        self.ids = draw.permutation(np.arange(n) * 3 + 100)
        self.alpha = np.arange(n) % 4 != 0
        self.V_th = np.where(self.alpha, -55.0 + draw.uniform(0, 1, n), -54.0)
        self.C_m = np.where(self.alpha, 200.0, 250.0)
        self.sources = np.array([7, 3, 900, 12, 5])
        count = edges // 3
        self.to = draw.integers(0, n, edges)
        self.by = np.concatenate([draw.integers(0, n, edges - count), draw.integers(0, 5, count)])
        self.virtual = np.arange(edges) >= edges - count
        # Types: 1 excitatory, 2 inhibitory, 3 from outside; groups: weights of their own, or those of the type.
        self.type = np.where(self.virtual, 3, np.where(draw.uniform(size=edges) < 0.3, 2, 1))
        self.own = draw.uniform(size=edges) < 0.5
        self.nsyns = draw.integers(1, 4, edges)
        by_type = np.array([0.0, 40.0, -90.0, 400.0])[self.type]
        self.given = by_type * np.round(draw.uniform(0.5, 1.5, edges), 3)
        self.weight = np.where(self.own, self.given, by_type * self.nsyns)
        self.given_delay = np.round(draw.uniform(0.5, 3.0, edges), 1)
        self.delay = np.where(self.own, self.given_delay, np.array([0.0, 1.5, 2.0, 1.0])[self.type])
        k = 400
        self.times = np.sort(draw.uniform(0.05, 210.0, k))
        self.sender = draw.integers(0, 5, k)


def write(folder, numbers=None, libver="latest", **options):
    """Writes the circuit; `options` are those of h5py for datasets."""
    import h5py

    x = numbers or Numbers()
    options = options or {"compression": "gzip", "shuffle": True, "chunks": (17,)}
    (folder / "network").mkdir(parents=True)
    (folder / "models").mkdir()
    net = folder / "network"

    def new(path):
        f = h5py.File(path, "w", libver=libver)
        f.attrs["magic"], f.attrs["version"] = np.uint32(0x0A7A), np.array([0, 1], np.uint32)
        return f

    def put(group, name, values):
        fitted = {k: (min(v[0], len(values)),) if k == "chunks" else v for k, v in options.items()}
        return group.create_dataset(name, data=values, **fitted)

    with new(net / "v1_nodes.h5") as f:
        g = f.create_group("nodes/V1")
        put(g, "node_id", x.ids.astype(np.uint64))
        put(g, "node_type_id", np.where(x.alpha, 10, 20).astype(np.uint32))
        put(g, "node_group_id", np.where(x.alpha, 0, 5).astype(np.uint16))
        # Backwards in each group.
        index = np.empty(x.n, np.int64)
        for mask in (x.alpha, ~x.alpha):
            index[mask] = np.arange(mask.sum())[::-1]
        put(g, "node_group_index", index)
        put(g, "0/dynamics_params/V_th", x.V_th[x.alpha][::-1])
        put(g, "0/x", x.ids[x.alpha][::-1].astype(float))
        put(g, "5/x", x.ids[~x.alpha][::-1].astype(float))
        # Words as variable-length texts, and as places in a library.
        g["0"].create_dataset("layer", data=["four"] * int(x.alpha.sum()), dtype=h5py.string_dtype())
        g["5"].create_dataset("layer", data=np.ones((~x.alpha).sum(), np.uint8))
        g["5"].create_dataset("@library/layer", data=["three", "four"], dtype=h5py.string_dtype())
    (net / "v1_node_types.csv").write_text(
        table(
            """
            node_type_id population model_type model_template dynamics_params name
            10 V1 point_neuron nest:iaf_psc_alpha alpha.json "pyramidal cell"
            20 V1 point_process nest:iaf_psc_exp exp.json basket
            20 other virtual NULL NULL NULL
            """
        )
    )
    (folder / "models" / "alpha.json").write_text(json.dumps({"C_m": 200.0, "t_ref": 3.0, "I_e": 40.0}))
    (folder / "models" / "exp.json").write_text(json.dumps({"V_th": -54.0, "tau_syn_ex": 3.0, "tau_m": 15, "rho": 0.01}))
    (folder / "models" / "static.json").write_text("{}")
    with new(net / "lgn_nodes.h5") as f:
        g = f.create_group("nodes/LGN")
        put(g, "node_id", x.sources.astype(np.uint64))
        put(g, "node_type_id", np.full(5, 1))
        g.create_group("0")
    (net / "lgn_node_types.csv").write_text("node_type_id model_type\n1 virtual\n")
    with new(net / "edges.h5") as f:
        for name, mask, ids in (("V1_to_V1", ~x.virtual, x.ids), ("LGN_to_V1", x.virtual, x.sources)):
            g = f.create_group(f"edges/{name}")
            put(g, "source_node_id", ids[x.by[mask]].astype(np.uint64)).attrs["node_population"] = name.split("_")[0]
            put(g, "target_node_id", x.ids[x.to[mask]].astype(np.uint64)).attrs["node_population"] = np.bytes_("V1")
            put(g, "edge_type_id", x.type[mask].astype(np.uint32))
            own = x.own[mask]
            put(g, "edge_group_id", np.where(own, 0, 1).astype(np.uint16))
            index = np.empty(len(own), np.int64)
            turn = np.random.default_rng(5)
            for number, which in ((0, own), (1, ~own)):
                index[which] = turn.permutation(which.sum())
                of = np.empty(which.sum(), np.int64)
                of[index[which]] = np.flatnonzero(which)
                if number == 0:
                    put(g, "0/syn_weight", x.given[mask][of])
                    put(g, "0/delay", x.given_delay[mask][of])
                    put(g, "0/nsyns", np.ones(len(of), np.uint16))
                else:
                    put(g, "1/nsyns", x.nsyns[mask][of].astype(np.uint16))
            put(g, "edge_group_index", index)
    (net / "edge_types.csv").write_text(
        table(
            """
            edge_type_id target_query source_query syn_weight delay dynamics_params model_template weight_function
            1 ei=='e' * 40.0 1.5 static.json static_synapse wmax
            2 "ei == 'i'" * -90 2 static.json nest:static_synapse NULL
            3 * * 4e2 NULL NULL NULL NULL
            """
        )
    )
    with new(folder / "spikes.h5") as f:
        g = f.create_group("spikes/LGN")
        put(g, "node_ids", x.sources[x.sender].astype(np.uint64))
        put(g, "timestamps", x.times / 1000.0).attrs["units"] = "s"
    some = [int(i) for i in x.ids[:10]]
    sets = {"some": ["first", "second"], "first": {"population": "V1", "node_id": some[:7]}, "second": {"node_id": some[5:]}}
    sets["reported"] = {"population": "V1", "name": "pyramidal cell", "node_id": some}
    (folder / "node_sets.json").write_text(json.dumps(sets))
    (folder / "circuit_config.json").write_text(json.dumps(NETWORK))
    (folder / "simulation_config.json").write_text(json.dumps(SIMULATION))
    return x


def exponential(a):
    """The exponential of a small matrix."""
    a = a / 2.0**10
    term = out = np.eye(len(a))
    for k in range(1, 20):
        term = term @ a / k
        out = out + term
    for _ in range(10):
        out = out @ out
    return out


def simulate(x, dt=0.1, stop=200.0):
    """Spikes (steps, cells) and potentials after each step, by exact integration: see Rotter & Diesmann 1999, Biol Cybern 81:381."""
    steps, n = int(round(stop / dt)), x.n
    step_matrix = []
    for k in range(n):
        a = np.zeros((6, 6))
        tau_e, tau_i = (2.0, 2.0) if x.alpha[k] else (3.0, 2.0)
        tau_m = 10.0 if x.alpha[k] else 15.0
        # dI_ex, I_ex, dI_in, I_in, v, 1: the last is what is constant.
        for at, tau in ((0, tau_e), (2, tau_i)):
            a[at, at] = a[at + 1, at + 1] = -1 / tau
            a[at + 1, at] = 1.0 if x.alpha[k] else 0.0
            a[4, at + 1] = 1 / x.C_m[k]
        a[4, 4] = -1 / tau_m
        a[4, 5] = 1 / x.C_m[k]
        step_matrix.append(exponential(a * dt))
    m = np.array(step_matrix)
    base = np.where(x.alpha, 40.0, 0.0)
    y = np.zeros((n, 6))
    y[:, 4] = -68.0 + 70.0
    v_th, t_ref = x.V_th + 70.0, np.where(x.alpha, 30, 20)
    lag = np.rint(x.delay / dt).astype(int)
    ring = np.zeros((lag.max() + 1, n, 2))
    arrival = np.ceil(x.times / dt - 1e-6).astype(int)
    held = np.zeros(n, int)
    fired, potentials = [], []

    def send(edges, now):
        for e in edges:
            ring[(now + lag[e]) % len(ring), x.to[e], int(x.weight[e] < 0)] += x.weight[e]

    for now in range(1, steps + 1):
        begin = (now - 1) * dt
        current = base.copy()
        current[:10] += 300.0 * (50.0 - 1e-9 <= begin < 110.0 - 1e-9) + 150.0 * (80.0 - 1e-9 <= begin < 100.0 - 1e-9)
        for s in x.sender[(arrival == now) & (x.times <= stop)]:
            send(np.flatnonzero(x.virtual & (x.by == s)), now)
        y[:, 5] = current
        before = y[:, 4].copy()
        y = np.einsum("kij,kj->ki", m, y)
        y[:, 4] = np.where(held > 0, before, y[:, 4])
        held = np.maximum(held - 1, 0)
        came = ring[now % len(ring)].copy()
        ring[now % len(ring)] = 0
        for port, at in ((0, 0), (1, 2)):
            y[:, at] += np.where(x.alpha, came[:, port] * np.e / 2.0, 0.0)
            y[:, at + 1] += np.where(x.alpha, 0.0, came[:, port])
        for k in np.flatnonzero(y[:, 4] >= v_th):
            fired.append((now, k))
            y[k, 4], held[k] = 0.0, t_ref[k]
            send(np.flatnonzero(~x.virtual & (x.by == k)), now)
        potentials.append(y[:, 4] - 70.0)
    return np.array(fired).reshape(-1, 2), np.array(potentials)
