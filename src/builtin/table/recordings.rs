//! Functions of what was recorded.

use super::row::{WINDOW, f, p};
use crate::builtin::Evaluate::Function;
use crate::builtin::Gives as G;
use crate::builtin::Wants::{Events, Time, Trace};
use crate::builtin::{Builtin, recordings};

pub(super) static ROWS: &[Builtin] = &[
    f(
        "rate",
        &[p("events", Events), WINDOW],
        G::Rate,
        Function(recordings::rate),
        "mean rate per cell",
        "expect rate(spikes) > 1 Hz",
    ),
    f(
        "rates",
        &[p("events", Events), WINDOW],
        G::Rates,
        Function(recordings::rates),
        "rate of each cell",
        "expect len(rates(spikes)) == 4",
    ),
    f(
        "count",
        &[p("events", Events), WINDOW],
        G::Pure,
        Function(recordings::count),
        "number of events",
        "expect count(spikes, 0 ms .. 50 ms) > 0",
    ),
    f(
        "cv",
        &[p("events", Events), WINDOW],
        G::Pure,
        Function(recordings::cv),
        "mean coefficient of variation of inter-event intervals over cells with at least 3 events",
        "expect cv(spikes) < 1",
    ),
    f(
        "binned",
        &[p("events", Events), p("bin", Time), WINDOW],
        G::Rates,
        Function(recordings::binned),
        "population rate per cell in bins",
        "expect len(binned(spikes, 10 ms)) == 10",
    ),
    f(
        "counts",
        &[p("events", Events), p("bin", Time), WINDOW],
        G::PureArray,
        Function(recordings::counts),
        "number of events in whole bins; what is left at the end counts for none",
        "expect len(counts(spikes, 10 ms)) == 10",
    ),
    f(
        "fano",
        &[p("events", Events), p("bin", Time), WINDOW],
        G::Pure,
        Function(recordings::fano),
        "variance over mean of the counts in bins",
        "expect fano(spikes, 10 ms) >= 0",
    ),
    f(
        "times",
        &[p("events", Events), WINDOW],
        G::Times,
        Function(recordings::times),
        "times of all events",
        "expect first(times(spikes)) > 0 ms",
    ),
    f(
        "senders",
        &[p("events", Events), WINDOW],
        G::PureArray,
        Function(recordings::senders),
        "cell index of all events",
        "expect max(senders(spikes)) == 3",
    ),
    f(
        "values",
        &[p("trace", Trace), WINDOW],
        G::Recorded,
        Function(recordings::values),
        "recorded values, cell after cell within a sample",
        "expect first(values(trace)) == 0 mV",
    ),
    f(
        "sample_times",
        &[p("trace", Trace), WINDOW],
        G::Times,
        Function(recordings::sample_times),
        "times of the samples",
        "expect first(sample_times(trace)) == 0 ms",
    ),
    f(
        "value_at",
        &[p("trace", Trace), p("time", Time)],
        G::Recorded,
        Function(recordings::value_at),
        "recorded values at a time, linearly interpolated",
        "expect first(value_at(trace, 0 ms)) == 0 mV",
    ),
    f(
        "wall_clock",
        &[],
        G::Time,
        Function(recordings::wall_clock),
        "a clock, of which only differences mean something; not the same in another run",
        "expect wall_clock() >= 0 ms",
    ),
];
