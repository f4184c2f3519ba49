//! Torture: random models, mutated sources, kills, damaged files and full disks, against the binary.
//!
//! A few turns of every kind by default; `NEURO_TORTURE=minutes` goes on for that long, divided over the kinds, with seeds from the
//! clock. `NEURO_TORTURE_SEED=n` begins with the turn of seed n, which is how a failure is repeated. `NEURO_TORTURE_BINARY` names another
//! binary than that of this build.
#![cfg(unix)]

mod damaged;
mod disk;
mod generate;
mod kills;
mod models;
mod sources;
mod support;
