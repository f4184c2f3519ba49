//! Progress of a run: a bar on a terminal, a line every ten seconds elsewhere.

use super::signals::{Signal, stop_asked_for};
use indicatif::{ProgressBar, ProgressStyle};
use neuro::experiment::Progress;
use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows progress on stderr, and what the experiment prints on stdout.
pub struct Shown {
    quiet: bool,
    bar: RefCell<Option<ProgressBar>>,
    begin: Cell<Option<(Instant, f64)>>,
    last: Cell<Option<Instant>>,
    /// When the present loop over a data set began.
    loop_begin: Cell<Option<Instant>>,
}

impl Shown {
    pub fn new(quiet: bool) -> Shown {
        Shown {
            quiet,
            bar: RefCell::default(),
            begin: Cell::default(),
            last: Cell::default(),
            loop_begin: Cell::default(),
        }
    }

    /// Draws the bar, or prints a line now and then.
    fn show(&self, now: Instant, wall: f64, part: f64, text: String) {
        let since = self.last.get().map(|l| now.duration_since(l));
        if std::io::stderr().is_terminal() {
            if since.is_some_and(|s| s < Duration::from_millis(100)) {
                return;
            }
            let mut bar = self.bar.borrow_mut();
            let bar = bar.get_or_insert_with(|| {
                let style =
                    ProgressStyle::with_template("{bar:30} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
                ProgressBar::new(1000).with_style(style)
            });
            bar.set_position((1000.0 * part) as u64);
            bar.set_message(text);
        } else {
            if since.map_or(wall < 10.0, |s| s < Duration::from_secs(10)) {
                return;
            }
            tell!("{text}");
        }
        self.last.set(Some(now));
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn update(&self, time: f64, end: f64) {
        if self.quiet {
            return;
        }
        let now = Instant::now();
        let (begin, first) = match self.begin.get() {
            Some((b, t)) if t <= time => (b, t),
            _ => {
                self.begin.set(Some((now, time)));
                (now, time)
            }
        };
        let wall = now.duration_since(begin).as_secs_f64();
        if wall < 0.5 {
            return;
        }
        let speed = (time - first) / 1000.0 / wall;
        let left = (end - time) / 1000.0 / speed.max(1e-9);
        let text = format!(
            "{:.3} of {:.3} s simulated, {speed:.2} x real time, {left:.0} s left",
            time / 1000.0,
            end / 1000.0
        );
        self.show(now, wall, time / end.max(1e-9), text);
    }

    fn examples(&self, shown: usize, of: usize) {
        if self.quiet {
            return;
        }
        let now = Instant::now();
        let begun = match self.loop_begin.get() {
            Some(begun) if shown > 0 => begun,
            _ => {
                self.loop_begin.set(Some(now));
                now
            }
        };
        let wall = now.duration_since(begun).as_secs_f64();
        if wall < 0.5 || shown == 0 {
            return;
        }
        let left = wall / shown as f64 * (of - shown) as f64;
        let text = format!("minibatch {shown} of {of}, {left:.0} s left");
        self.show(now, wall, shown as f64 / of as f64, text);
    }

    fn line(&self, text: &str) {
        match &*self.bar.borrow() {
            Some(bar) => bar.suspend(|| say!("{text}")),
            None => say!("{text}"),
        }
    }

    fn interrupted(&self) -> Option<String> {
        stop_asked_for().map(Signal::describe)
    }
}
