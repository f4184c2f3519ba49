//! `convert`: files of other simulators, read and written.

use super::files::{load, read};
use super::messages::{Done, Messages, Stop};
use neuro::compiler::{Program, Silent, compile};
use neuro::convert::{Converted, Flaw, neuroml, nmodl};
use neuro::diag::{Code, Diagnostic, Diagnostics, nearest};
use neuro::disk::{Disk, source_of_bytes};
use neuro::experiment::{Runner, Settings};
use neuro::export::{self, Exported};
use neuro::source::{FileId, SourceFile, SourceMap, Span};
use neuro::syntax::format::format;
use std::io::Write;
use std::path::Path;

/// Carries a file over, and writes it or prints it.
pub fn convert(file: &Path, output: Option<&Path>, messages: Messages) -> Done {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let source = match extension.as_str() {
        "mod" => source_of_bytes(file).map_err(Stop::Usage)?,
        _ => read(file)?,
    };
    let text = source.text.to_string();
    let disk = Disk::beside(file);
    let converted = match extension.as_str() {
        "mod" => nmodl(&text, &name),
        "nml" | "xml" => neuroml(&text, file, &|path| disk.text(path).map_err(std::io::Error::other)),
        _ => {
            let what = "converted are mechanisms in NMODL (`.mod`) and models in NeuroML 2 and LEMS (`.nml`, `.xml`); \
                a `.neuro` file is written for other tools with `--to`";
            return Err(Stop::Usage(format!("{}: {what}", file.display())));
        }
    };
    let mut sources = SourceMap::default();
    let root = sources.add(source);
    let Converted { text, notes } = converted.map_err(|flaws| {
        let mut all = Diagnostics::default();
        flaws.iter().for_each(|flaw| all.push(diagnostic(flaw, (root, &mut sources), &disk)));
        messages.all(&all, &sources);
        Stop::Failed
    })?;
    let text = laid_out(&text, output.unwrap_or(Path::new("converted.neuro")), messages)?;
    put(&text, &notes, output, messages)
}

/// Languages that cells and synapses are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// NESTML 9: cells and synapses
    Nestml,
    /// LEMS, in which the types of NeuroML 2 are written: cells, or the network of an experiment
    Neuroml,
}

/// What of a file is written.
pub struct Wanted<'a> {
    /// These cells and synapses, or all.
    pub only: &'a [String],
    /// The network of this experiment.
    pub experiment: Option<&'a str>,
}

/// Writes the cells and synapses of a file, or a network, in another language.
pub fn export(file: &Path, language: Language, what: &Wanted, output: Option<&Path>, messages: Messages) -> Done {
    let program = load(file, messages)?;
    let written = match (language, what.experiment) {
        (Language::Neuroml, Some(name)) => Ok(network(file, &program, name)?),
        (Language::Nestml, Some(_)) => {
            return Err(Stop::Usage("networks are written with `--to neuroml`".into()));
        }
        (Language::Nestml, None) => export::nestml(&program, what.only),
        (Language::Neuroml, None) => export::neuroml(&program, what.only),
    };
    let written = written.map_err(|unknown| {
        let meant = unknown.nearest.map_or(String::new(), |n| format!(" (did you mean `{n}`?)"));
        Stop::Usage(format!("{}: no cell and no used synapse is called `{}`{meant}", file.display(), unknown.name))
    })?;
    match written {
        Ok(found) => put(&found.text, &found.notes, output, messages),
        Err(found) => {
            messages.all(&found, &program.sources);
            Err(Stop::Failed)
        }
    }
}

/// The network of an experiment.
fn network(file: &Path, program: &Program, name: &str) -> Result<Result<Exported, Diagnostics>, Stop> {
    let Some(experiment) = program.module.experiments.iter().find(|e| e.name == name) else {
        let names = program.module.experiments.iter().map(|e| e.name.as_str());
        let meant = nearest(name, names).map_or(String::new(), |n| format!(" (did you mean `{n}`?)"));
        return Err(Stop::Usage(format!("{}: no experiment is called `{name}`{meant}", file.display())));
    };
    let disk = Disk::beside(file);
    let runner = Runner { module: &program.module, files: &disk, settings: Settings::default(), progress: &Silent };
    Ok(runner
        .begun(experiment)
        .map_err(|d| {
            let mut flaws = Diagnostics::default();
            flaws.push(*d);
            flaws
        })
        .and_then(|begun| export::network(experiment, &begun)))
}

/// Prints a text or writes it into a new file, and tells what a reader should know.
fn put(text: &str, notes: &[String], output: Option<&Path>, messages: Messages) -> Done {
    match output {
        None => say!("{}", text.trim_end()),
        Some(path) => {
            let told = |e: std::io::Error| Stop::Usage(format!("cannot write {}: {e}", path.display()));
            // What is there may have been changed by hand.
            let mut new = std::fs::File::create_new(path).map_err(told)?;
            new.write_all(text.as_bytes()).map_err(told)?;
            messages.note(&format!("{} is written", path.display()));
        }
    }
    notes.iter().for_each(|note| messages.note(&format!("note: {note}")));
    Ok(())
}

/// Lays a text out, and makes sure that it is a program.
fn laid_out(text: &str, path: &Path, messages: Messages) -> Result<String, Stop> {
    let mut sources = SourceMap::default();
    let id = sources.add(SourceFile::new(path.to_string_lossy(), text));
    let formatted = format(id, text).map_err(|found| {
        messages.all(&found, &sources);
        fault()
    })?;
    match compile(SourceFile::new(path.to_string_lossy(), formatted.clone()), &mut Disk::beside(path)) {
        Ok(_) => Ok(formatted),
        Err(refused) => {
            messages.all(&refused.diagnostics, &refused.sources);
            Err(fault())
        }
    }
}

fn fault() -> Stop {
    Stop::Usage("what the file became is no program: please report it with the file".into())
}

/// A flaw as a diagnostic. Another file than the root is shown where it can be read; else the flaw is that it cannot.
fn diagnostic(flaw: &Flaw, (root, sources): (FileId, &mut SourceMap), disk: &Disk) -> Diagnostic {
    let file = match &flaw.file {
        None => root,
        Some(path) => {
            let name = path.to_string_lossy().into_owned();
            let text = disk.text(path).unwrap_or_default();
            sources.find(&name).unwrap_or_else(|| sources.add(SourceFile::new(name, text)))
        }
    };
    let length = sources.file(file).text.len();
    let (start, end) = (flaw.at.start.min(length) as u32, flaw.at.end.min(length) as u32);
    Diagnostic::at(Code::E0819, Span { file, start, end }, &flaw.message, &flaw.label).maybe_help(flaw.help.clone())
}
