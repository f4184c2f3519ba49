//! `neuro run`.

use super::checkpoints::{Kept, every};
use super::files::{Disk, load};
use super::messages::{Done, MessageFormat, Messages, Stop};
use super::options::{CheckpointOptions, RunOptions};
use super::progress::{Shown, catch_interrupt};
use neuro::codegen::Backend;
use neuro::compiler::{Program, unknown_experiment};
use neuro::data::{Files, sha256};
use neuro::diag::{Code, Diagnostic};
use neuro::experiment::{Checkpoints, Outcome, Override, RunIdentity, Runner, Settings};
use neuro::hir::experiment::model::Experiment;
use neuro::ir::Precision;
use neuro::report::{self, RunInfo};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `neuro run` was asked to do.
pub struct Request {
    pub file: Option<PathBuf>,
    pub experiment: Option<String>,
    pub options: RunOptions,
    pub results: PathBuf,
    pub force: bool,
    pub replay: Option<PathBuf>,
    pub checkpoints: CheckpointOptions,
    pub quiet: bool,
}

/// Turns command-line options into settings.
pub fn settings(o: &RunOptions) -> Result<Settings, Stop> {
    let mut out = Settings::default();
    if let Some(n) = o.threads {
        if n == 0 {
            return Err(Stop::Usage("--threads must be at least 1".into()));
        }
        out.threads = n;
    }
    out.precision = match o.precision.as_deref() {
        None => None,
        Some("f32") => Some(Precision::F32),
        Some("f64") => Some(Precision::F64),
        Some(p) => return Err(Stop::Usage(format!("unknown precision `{p}`; it is f32 or f64"))),
    };
    out.backend = Backend::parse(&o.backend).ok_or_else(|| {
        let known: Vec<&str> = Backend::NAMES.iter().map(|(name, _)| *name).collect();
        Stop::Usage(format!("unknown back end `{}`; it is one of {}", o.backend, known.join(", ")))
    })?;
    if !out.backend.is_available() {
        return Err(Stop::Usage("this machine has no vectors wider than 128 bits; use --backend cranelift".into()));
    }
    for s in &o.set {
        let Some((path, value)) = s.split_once('=') else {
            return Err(Stop::Usage(format!("`--set {s}` lacks a value; write `--set path=value`")));
        };
        out.overrides.push(Override { path: path.trim().into(), value: value.trim().into() });
    }
    Ok(out)
}

/// Hashes all sources and the library, in order.
pub fn digest(program: &Program) -> String {
    let mut all = Vec::new();
    for f in program.sources.files() {
        all.extend_from_slice(f.text.as_bytes());
        all.push(0);
    }
    sha256(&all)
}

pub fn run(mut request: Request, messages: Messages) -> Done {
    catch_interrupt();
    let mut settings = settings(&request.options)?;
    let replay = request.replay.as_deref().map(Replay::read).transpose()?;
    if let Some(record) = &replay {
        request.file = Some(record.source.clone().into());
        request.experiment = Some(record.experiment.clone());
        settings.precision = Some(record.precision);
        settings.overrides = record.overrides.clone();
    }
    let Some(file) = request.file.clone() else { return Err(Stop::Usage("no file to run".into())) };
    let program = load(&file, messages)?;
    let digest = digest(&program);
    if let Some(d) = replay.as_ref().and_then(|record| record.changed(&digest, &Disk::beside(&file))) {
        messages.one(&d, &program.sources);
        return Err(Stop::Failed);
    }
    let chosen: Vec<Arc<Experiment>> = match &request.experiment {
        Some(name) => program.module.experiments.iter().filter(|e| e.name == *name).cloned().collect(),
        None => program.module.experiments.clone(),
    };
    if chosen.is_empty() {
        messages
            .one(&unknown_experiment(&program.module, request.experiment.as_deref().unwrap_or("")), &program.sources);
        return Err(Stop::Failed);
    }
    let every = request.checkpoints.checkpoint_every.as_deref().map(every).transpose()?;
    let mut failed = false;
    for e in chosen {
        let folder = request.results.join(&e.name);
        let kept = Kept::new(&folder, every);
        let resume = if request.checkpoints.resume { kept.read()? } else { None };
        if resume.is_none() {
            prepare(&folder, request.force || request.replay.is_some(), messages)?;
        }
        let settings = Settings { results: Some(folder.clone()), ..settings.clone() };
        let progress = Shown::new(request.quiet || messages.format == MessageFormat::Json);
        let disk = Disk::beside(&file);
        let runner = Runner { module: &program.module, files: &disk, settings: settings.clone(), progress: &progress };
        let outcome = if every.is_some() || resume.is_some() {
            let belongs = RunIdentity {
                neuro: env!("CARGO_PKG_VERSION").into(),
                source_sha256: digest.clone(),
                experiment: e.name.clone(),
                overrides: settings.overrides.iter().map(|o| (o.path.clone(), o.value.clone())).collect(),
                precision: settings.precision.map(|p| p.to_string()),
            };
            runner.run_with(&e, &Checkpoints { keeper: &kept, belongs, resume })
        } else {
            runner.run(&e)
        };
        progress.finish();
        messages.all(&outcome.warnings, &program.sources);
        let source = file.to_string_lossy();
        let info = RunInfo {
            source: &source,
            digest: digest.clone(),
            data: disk.digests(),
            experiment: &e.name,
            settings: &settings,
        };
        let written = report::write(&outcome, &folder).and_then(|mut w| {
            let text = serde_json::to_string_pretty(&report::record(&outcome, &info)).unwrap_or_default();
            std::fs::write(folder.join("run.json"), text)
                .map_err(|e| format!("{}: {e}", folder.join("run.json").display()))?;
            w.push("run.json".into());
            Ok(w)
        });
        print_measures(&outcome);
        failed |= !print_expectations(&outcome, &program, messages);
        if let Some(d) = &outcome.failure {
            messages.one(d, &program.sources);
            failed = true;
        }
        match &outcome.failure {
            None => kept.remove(),
            Some(d) if d.code == Code::E0812 && kept.exists() => {
                messages.note("a checkpoint is kept; the same command with `--resume` goes on from here");
            }
            Some(_) => {}
        }
        match written {
            Ok(w) => messages.note(&format!(
                "{} neurons, {} synapses; built in {:.2} s, ran {:.3} s in {:.2} s; {} files in {}",
                outcome.size.0,
                outcome.size.1,
                outcome.built_in,
                outcome.simulated / 1000.0,
                outcome.ran_in,
                w.len(),
                folder.display()
            )),
            Err(reason) => {
                let d = Diagnostic::new(Code::E0809, format!("results cannot be written: {reason}"))
                    .help("free some space or choose another folder with `--results`");
                messages.one(&d, &program.sources);
                failed = true;
            }
        }
    }
    if failed { Err(Stop::Failed) } else { Ok(()) }
}

/// Makes an empty result folder; refuses to replace one that was not made by a run.
fn prepare(folder: &Path, force: bool, messages: Messages) -> Done {
    let cannot = |e: std::io::Error| Stop::Usage(format!("cannot use {}: {e}", folder.display()));
    if folder.exists() {
        let occupied = std::fs::read_dir(folder).map_err(cannot)?.next().is_some();
        let ours = folder.join("run.json").exists() || Kept::new(folder, None).exists();
        if occupied && !force {
            let d = Diagnostic::new(Code::E0806, format!("{} holds results already", folder.display()))
                .help("add `--force` to replace them, or `--results DIR` to write elsewhere");
            messages.one(&d, &Default::default());
            return Err(Stop::Failed);
        }
        if occupied && !ours {
            return Err(Stop::Usage(format!(
                "{} was not made by a run; it is left alone even with --force",
                folder.display()
            )));
        }
        if occupied {
            std::fs::remove_dir_all(folder).map_err(cannot)?;
        }
    }
    std::fs::create_dir_all(folder).map_err(cannot)
}

fn print_measures(outcome: &Outcome) {
    for (name, list) in &outcome.measures {
        if list.len() == 1 {
            say!("{name} = {}", list[0]);
        } else {
            let shown: Vec<String> = list.iter().take(40).map(|q| q.to_string()).collect();
            say!("{name} = {}", shown.join(", "));
        }
    }
}

/// Reports expectations; returns whether all held.
fn print_expectations(outcome: &Outcome, program: &Program, messages: Messages) -> bool {
    let mut all = true;
    for e in &outcome.expectations {
        let text = program.sources.text(e.span).split_whitespace().collect::<Vec<_>>().join(" ");
        if e.passed {
            say!("ok    expect {text}   [{}]", e.found);
        } else {
            all = false;
            let d =
                Diagnostic::at(Code::E0807, e.span, format!("expectation failed: found {}", e.found), "does not hold");
            messages.one(&d, &program.sources);
        }
    }
    all
}

/// The part of a `run.json` that repeats a run.
struct Replay {
    source: String,
    experiment: String,
    digest: String,
    data: Vec<(String, String)>,
    precision: Precision,
    overrides: Vec<Override>,
}

impl Replay {
    /// Reports a source or a data file that is not the one of the record.
    fn changed(&self, digest: &str, disk: &Disk) -> Option<Diagnostic> {
        if self.digest != digest {
            return Some(
                Diagnostic::new(Code::E0810, format!("`{}` is not the source of this record", self.source))
                    .note("its text or an import has changed since")
                    .help("restore the file, or run it without `--replay`"),
            );
        }
        let other =
            self.data.iter().find(|(path, digest)| disk.read(path).map(|b| sha256(&b)).as_ref() != Ok(digest))?;
        Some(
            Diagnostic::new(Code::E0810, format!("`{}` is not the data of this record", other.0))
                .note("the file has changed since, or is missing")
                .help("restore the file, or run without `--replay`"),
        )
    }

    fn read(path: &Path) -> Result<Replay, Stop> {
        let bad = |why: String| Stop::Usage(format!("{} is not the record of a run: {why}", path.display()));
        let text =
            std::fs::read_to_string(path).map_err(|e| Stop::Usage(format!("cannot read {}: {e}", path.display())))?;
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let field = |n: &str| json[n].as_str().map(String::from).ok_or_else(|| bad(format!("`{n}` is missing")));
        let version = field("neuro")?;
        if version != env!("CARGO_PKG_VERSION") {
            return Err(Stop::Usage(format!(
                "{} was made by neuro {version}, this is {}; bits could differ",
                path.display(),
                env!("CARGO_PKG_VERSION")
            )));
        }
        let mut overrides: Vec<Override> = Vec::new();
        for (path, value) in json["overrides"].as_object().into_iter().flatten() {
            overrides.push(Override { path: path.clone(), value: value.as_str().unwrap_or_default().into() });
        }
        Ok(Replay {
            source: field("source")?,
            experiment: field("experiment")?,
            digest: field("source_sha256")?,
            data: json["data_sha256"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(path, digest)| (path.clone(), digest.as_str().unwrap_or_default().to_string()))
                .collect(),
            precision: if field("precision")? == "f64" { Precision::F64 } else { Precision::F32 },
            overrides,
        })
    }
}
