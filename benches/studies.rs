//! Networks that simulators are compared with, each in a process of its own: how long a second of biological time takes, what of
//! it a cell's update and a synaptic event take, and how much memory.
//!
//! `cargo bench --bench studies` runs all on one and on two threads, `cargo bench --bench studies -- coba brunel` some.

use neuro::compiler::{Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::source::SourceFile;
use std::path::PathBuf;

/// Name, file, and what is set.
const STUDIES: &[(&str, &str, &[(&str, &str)])] = &[
    ("coba", "coba", &[]),
    ("coba_40k", "coba", &[("n", "40000"), ("duration", "2s")]),
    ("cuba", "cuba", &[]),
    ("cuba_40k", "cuba", &[("n", "40000"), ("duration", "2s")]),
    ("hh_coba", "hh_coba", &[]),
    ("hh_coba_40k", "hh_coba", &[("n", "40000"), ("duration", "500ms")]),
    ("stdp", "stdp", &[]),
    ("brunel", "brunel", &[]),
    ("microcircuit", "microcircuit", &[]),
    ("microcircuit_full", "microcircuit", &[("scale", "1"), ("duration", "1s")]),
];
