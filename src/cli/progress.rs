//! Progress of a run: a bar on a terminal, a line every ten seconds elsewhere, JSON lines for programs, and events for an open page.

use super::page::Page;
use super::signals::{Signal, stop_asked_for};
use indicatif::{ProgressBar, ProgressStyle};
use neuro::draw::scene;
use neuro::experiment::record::Recording;
use neuro::experiment::{Expectation, Moment, Progress, Quantity};
use neuro::figure::Figure;
use neuro::parallel::locked;
use neuro::report::{self, Spooled};
use neuro::source::SourceMap;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two looks at the bar, or the page.
const GLANCE: Duration = Duration::from_millis(100);

/// Between two lines where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

/// Who hears of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hears {
    /// People.
    People,
    /// People who do not want to know how far it is.
    Nobody,
    /// A program that reads JSON lines; whether it wants to know how far it is.
    Program(bool),
}

/// Shows progress on stderr, and what the experiment prints on stdout.
pub struct Shown<'a> {
    hears: Hears,
    sources: &'a SourceMap,
    page: Option<&'a Page>,
    /// Whether people see a bar.
    terminal: bool,
    begun: Instant,
    bar: Mutex<Option<ProgressBar>>,
    /// When and where time began to pass, or the outermost loop to turn.
    first: Mutex<Option<(Instant, f64, f64)>>,
    last: Mutex<Option<Instant>>,
    /// When each measure was last told to the page, which gets all of its executions.
    told: Mutex<BTreeMap<String, Instant>>,
}

impl<'a> Shown<'a> {
    pub fn new(hears: Hears, sources: &'a SourceMap, page: Option<&'a Page>) -> Shown<'a> {
        let (bar, first, last, told) = Default::default();
        let terminal = std::io::stderr().is_terminal();
        Shown { hears, sources, page, terminal, begun: Instant::now(), bar, first, last, told }
    }

    /// Tells a program, or the page, that something has happened.
    fn tell(&self, event: &Value) {
        if let Hears::Program(_) = self.hears {
            say!("{event}");
        }
        self.tell_page(event);
    }

    fn tell_page(&self, event: &Value) {
        if let Some(page) = self.page {
            page.send(event);
        }
    }

    /// Returns whether it is time to show something again.
    fn is_time(&self, now: Instant) -> bool {
        let pause = match self.hears {
            _ if self.terminal || self.page.is_some() => GLANCE,
            Hears::Program(_) => 5 * GLANCE,
            _ => PAUSE,
        };
        // A program hears at once what there is to come, people when they have waited.
        let mut last = locked(&self.last);
        let since = match (*last, self.hears) {
            (None, Hears::Program(_)) => None,
            (last, _) => Some(last.unwrap_or(self.begun)),
        };
        if since.is_some_and(|since| now.duration_since(since) < pause) {
            return false;
        }
        *last = Some(now);
        true
    }

    /// Draws the bar.
    fn draw(&self, done: Option<f64>, text: &str) {
        let mut bar = locked(&self.bar);
        let bar = bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{bar:30} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(1000).with_style(style)
        });
        bar.set_position((1000.0 * done.unwrap_or(0.0)) as u64);
        bar.set_message(text.to_string());
    }

    /// Shows something, in whatever way it is heard.
    fn show(&self, at: &Moment, left: Option<f64>, what: &str) {
        let (done, elapsed) = (at.done(), self.begun.elapsed().as_secs_f64());
        let speed = self.speed(at, Instant::now());
        if self.hears == Hears::People && (self.terminal || self.page.is_none()) {
            let pace = speed.map(|s| format!(", {}", paced(s))).unwrap_or_default();
            let left = left.map(|l| format!(", {} left", spelled(l))).unwrap_or_default();
            let text = format!("{what}{pace}{left}");
            if self.terminal { self.draw(done, &text) } else { tell!("{text}") }
        }
        let event = json!({
            "event": "progress", "phase": "running", "done": done, "elapsed_s": elapsed, "eta_s": left,
            "simulated_ms": at.simulated, "total_ms": at.total, "real_time_factor": speed, "text": what,
        });
        match self.hears {
            Hears::Program(true) => self.tell(&event),
            _ => self.tell_page(&event),
        }
    }

    /// When and where time began to pass.
    fn since(&self, at: &Moment, now: Instant) -> (Instant, f64, f64) {
        let mut first = locked(&self.first);
        // A loop that begins again, or another one, has a clock of its own.
        let goes_on = |f: &(Instant, f64, f64)| at.simulated >= f.1 && (at.total.is_some() || at.part >= f.2);
        let since = first.filter(goes_on).unwrap_or((now, at.simulated, at.part));
        *first = Some(since);
        since
    }

    /// Simulated time by wall time, since time began to pass.
    fn speed(&self, at: &Moment, now: Instant) -> Option<f64> {
        let (begun, simulated, _) = (*locked(&self.first))?;
        let wall = now.duration_since(begun).as_secs_f64();
        (wall > 0.2 && at.simulated > simulated).then(|| (at.simulated - simulated) / 1000.0 / wall)
    }

    /// Says that a run begins.
    pub fn begin(&self, run: &Value, sources: &Value) {
        let (experiment, results) = (&run["experiment"], &run["results"]);
        if let Hears::Program(_) = self.hears {
            say!("{}", json!({ "event": "begin", "experiment": experiment, "results": results }));
        }
        self.tell_page(&json!({ "event": "begin", "run": run, "source": sources }));
    }

    /// Says that a run has ended, and where its files are.
    pub fn finish(&self, run: &Value, files: &Value) {
        if let Hears::Program(_) = self.hears {
            let (complete, why, results) = (&run["complete"], &run["stopped_because"], &run["results"]);
            say!("{}", json!({ "event": "end", "complete": complete, "stopped_because": why, "results": results }));
        }
        self.tell_page(&json!({ "event": "end", "run": run, "files": files }));
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = locked(&self.bar).take() {
            bar.finish_and_clear();
        }
    }

    /// Tells the page all executions of measures that changed since it was told.
    pub fn all_measures<'m>(&self, measures: impl Iterator<Item = (&'m String, &'m Vec<Quantity>)>) {
        measures.for_each(|(name, list)| {
            self.tell_page(&json!({ "event": "measure", "measure": report::measure_event(name, list) }));
        });
    }
}

/// Spells a time: `42 s`, `3 min 20 s`, `2 h 5 min`.
pub fn spelled(seconds: f64) -> String {
    let s = seconds.round().max(0.0) as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// Says how fast time passes.
fn paced(factor: f64) -> String {
    if factor >= 1.0 {
        format!("{} times faster than real time", neuro::units::format_number((factor * 100.0).round() / 100.0))
    } else {
        format!("{} times slower than real time", neuro::units::format_number((100.0 / factor).round() / 100.0))
    }
}

impl Progress for Shown<'_> {
    fn building(&self, network: &str, so_far: usize, all: usize) {
        if matches!(self.hears, Hears::Nobody | Hears::Program(false)) && self.page.is_none() {
            return;
        }
        // A small network is there before anybody could read of it.
        if so_far > 0 && !self.is_time(Instant::now()) {
            return;
        }
        let part = (so_far > 0).then(|| so_far as f64 / all as f64);
        let text = match part {
            Some(part) => format!("building {network}, {:.0} % of {all} synapses", 100.0 * part),
            None => format!("building {network}"),
        };
        match self.hears {
            Hears::People if self.terminal => self.draw(part, &text),
            Hears::People if so_far > 0 && self.page.is_none() => tell!("{text}"),
            _ => {}
        }
        let elapsed = self.begun.elapsed().as_secs_f64();
        let event = json!({
            "event": "progress", "phase": "building", "done": part, "elapsed_s": elapsed, "text": text,
        });
        match self.hears {
            Hears::Program(true) => self.tell(&event),
            _ => self.tell_page(&event),
        }
    }

    fn update(&self, at: &Moment) {
        if matches!(self.hears, Hears::Nobody | Hears::Program(false)) && self.page.is_none() {
            return;
        }
        let now = Instant::now();
        let (begun, simulated, part) = self.since(at, now);
        if !self.is_time(now) {
            return;
        }
        let wall = now.duration_since(begun).as_secs_f64();
        let (did, lacks) = match at.total {
            Some(total) => (at.simulated - simulated, total - at.simulated),
            None => (at.part - part, 1.0 - at.part),
        };
        let left = (did > 0.0 && wall > 0.2 && at.done().is_some()).then(|| wall / did * lacks.max(0.0));
        let mut said = Vec::new();
        let seconds = at.simulated / 1000.0;
        match at.total {
            Some(total) => said.push(format!("{seconds:.3} of {:.3} s simulated", total / 1000.0)),
            None if at.simulated > 0.0 => said.push(format!("{seconds:.3} s simulated")),
            None => {}
        }
        if let Some((turn, of)) = at.turn {
            said.push(format!("turn {} of {of}", turn + 1));
        }
        self.show(at, left, &said.join(", "));
    }

    fn measure(&self, name: &str, executions: &[Quantity]) {
        if let (Hears::Program(_), Some(newest)) = (self.hears, executions.last()) {
            let mut measure = report::measure_event(name, std::slice::from_ref(newest));
            measure["executions"] = json!(executions.len());
            say!("{}", json!({ "event": "measure", "measure": measure }));
        }
        let now = Instant::now();
        let mut told = locked(&self.told);
        if self.page.is_some() && told.get(name).is_none_or(|t| now.duration_since(*t) > 5 * GLANCE) {
            told.insert(name.to_string(), now);
            self.tell_page(&json!({ "event": "measure", "measure": report::measure_event(name, executions) }));
        }
    }

    fn expectation(&self, checked: &Expectation) {
        if matches!(self.hears, Hears::Program(_)) || self.page.is_some() {
            let expectation = report::expectation_event(checked, self.sources);
            self.tell(&json!({ "event": "expectation", "expectation": expectation }));
        }
    }

    fn figure(&self, figure: &Figure, recordings: &[Recording]) {
        if let Hears::Program(_) = self.hears {
            say!("{}", json!({ "event": "figure", "name": figure.name, "title": figure.title }));
        }
        if self.page.is_some()
            && let Ok(scene) = scene(figure, &Spooled(recordings))
        {
            self.tell_page(&json!({ "event": "figure", "figure": report::figure_event(&scene) }));
        }
    }

    fn line(&self, text: &str) {
        let event = || json!({ "event": "line", "text": text });
        match (&*locked(&self.bar), self.hears) {
            (_, Hears::Program(_)) => say!("{}", event()),
            (Some(bar), _) => bar.suspend(|| say!("{text}")),
            (None, _) => say!("{text}"),
        }
        if self.page.is_some() {
            self.tell_page(&event());
        }
    }

    fn interrupted(&self) -> Option<String> {
        stop_asked_for().map(Signal::describe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_paces_are_spelled() {
        assert_eq!([0.4, 59.0, 61.0, 7500.0].map(spelled), ["0 s", "59 s", "1 min 1 s", "2 h 5 min"].map(String::from));
        assert_eq!(paced(0.5), "2 times slower than real time");
        assert_eq!(paced(3.456), "3.46 times faster than real time");
    }
}
