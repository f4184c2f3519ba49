//! The command line: the only place that reads files, prints, and knows the terminal.
//!
//! Data goes to stdout, messages to stderr. Exit codes: 0 success, 1 the program or an expectation failed,
//! 2 the command itself could not be carried out, 128 and the number of a signal if one has ended it (130 for Ctrl-C).

/// Writes a line of data; what cannot be written is reported at the end.
macro_rules! say {
    ($($arg:tt)*) => {
        crate::cli::messages::data(format_args!($($arg)*))
    };
}

/// Writes a line for people.
macro_rules! tell {
    ($($arg:tt)*) => {
        crate::cli::messages::people(format_args!($($arg)*))
    };
}

mod checkpoints;
mod commands;
mod convert;
mod data;
mod files;
mod lsp;
mod messages;
mod options;
mod page;
mod plan;
mod planned_rates;
mod plot;
mod profile;
mod progress;
mod ranks;
mod results;
mod run;
mod scaffold;
mod signals;
mod snapshots;
mod sweep;
mod table;
mod test;

use self::messages::{MessageFormat, Messages, Stop};
use self::options::{CheckpointOptions, FormatOptions, RunOptions};
use clap::{Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Neuro: a language for models of how brains learn, compiled.
#[derive(Parser)]
#[command(name = "neuro", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How messages are printed
    #[arg(long, global = true, value_enum, default_value = "human")]
    message_format: MessageFormat,
    /// Folder that is searched first for data sets, before NEURO_DATA and the user's cache
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// File or folder that models may read, beside their own folder, their project and the folders of data
    #[arg(long, global = true, value_name = "PATH")]
    allow_read: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DataCommand {
    /// Which data sets are there, and which folders are searched
    List,
    /// Compare every file with its published digest
    Check,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DocFormat {
    /// Pages of declarations as they are written
    Markdown,
    /// Tables and equations as in Nordlie, Gewaltig & Plesser 2009
    Latex,
}

#[derive(Subcommand)]
enum Command {
    /// Check names, units, shapes and equations without running
    Check {
        /// Files or folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Run an experiment and write its results
    ///
    /// Started by `mpirun`, processes share its networks out among them, if the program was built with the feature `mpi`.
    Run(run::Request),
    /// Say what a run would take in several processes: memory, bytes that they tell each other, a predicted time
    ///
    /// Nothing is built or drawn: of synapses that are drawn it takes the expected number.
    Plan(plan::Request),
    /// Draw the figures of a run again from its files, without running it
    Plot(plot::Request),
    /// Write a page of a run: its source, expectations, measures and figures in one file
    Report {
        /// The folder of a run: results/NAME
        folder: PathBuf,
        /// Another file than report.html in that folder
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Run an experiment at several values of its parameters, side by side, into one table
    ///
    /// Runs that have come to their end are kept, so a sweep that was stopped goes on where it was. Started by `mpirun`, with `--mpi`, runs
    /// are dealt out to the processes, if the program was built with the feature `mpi`.
    Sweep {
        /// The .neuro file
        file: PathBuf,
        /// The experiment
        experiment: String,
        /// A parameter and its values: seed=1..5, T=4s,8s; repeated, all combinations are run
        #[arg(long, required = true, value_name = "PATH=VALUES")]
        over: Vec<String>,
        /// Runs at the same time, in each process; as many as there are cores unless given
        #[arg(long, value_name = "N")]
        jobs: Option<usize>,
        /// Deal the runs out to processes that `mpirun` has started, each run to one of them
        #[arg(long)]
        mpi: bool,
        #[command(flatten)]
        options: RunOptions,
        #[command(flatten)]
        formats: FormatOptions,
        #[command(flatten)]
        checkpoints: CheckpointOptions,
        /// Folder for results: one folder per run, and sweep.csv
        #[arg(long, default_value = "sweep", value_name = "DIR")]
        results: PathBuf,
    },
    /// Run tests and the expectations of experiments; of those that are `slow` only with NEURO_SLOW=1
    Test {
        /// Files or folders
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Keep what `snapshot` statements show now, in place of what was kept
        #[arg(long)]
        accept: bool,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Print what the compiler makes of a model
    Emit {
        /// The .neuro file
        file: PathBuf,
        /// ast, hir, solved, plan, ir, clif or asm
        #[arg(long, default_value = "ir")]
        stage: String,
        /// Print the IR after this pass: fold, contract, clean, or quiet (a step without events)
        #[arg(long)]
        after: Option<String>,
        /// The experiment whose networks are built
        #[arg(long)]
        experiment: Option<String>,
        #[command(flatten)]
        options: RunOptions,
    },
    /// Explain a diagnostic code, a function, a model of the library or of a file, or the schemes chosen for a file
    Explain {
        /// A code such as E0301, a name such as softmax or LifCond, `functions` for all of these, or a .neuro file
        what: OsString,
        /// A neuron, synapse, network or world of the file: its ports, parameters, states and equations
        name: Option<String>,
    },
    /// Describe everything that a file or a module of the library declares, as Markdown or as the Methods of a paper
    Doc {
        /// A .neuro file, or a module such as std.neurons.lif
        what: OsString,
        /// Markdown, or a section of LaTeX with equations and tables, to be `\input` by a paper
        #[arg(long, value_enum, default_value = "markdown")]
        format: DocFormat,
        /// Print a whole document around the section of LaTeX
        #[arg(long)]
        standalone: bool,
    },
    /// Carry a file of another simulator over: a mechanism in NMODL (`.mod`), a model in NeuroML 2 or LEMS (`.nml`, `.xml`); or write
    /// cells and synapses of a `.neuro` file for other tools, with `--to`
    Convert {
        /// The file
        file: PathBuf,
        /// Write a `.neuro` file in another language
        #[arg(long, value_name = "LANGUAGE")]
        to: Option<convert::Language>,
        /// Write this cell or synapse only; may be given several times
        #[arg(long, value_name = "NAME", requires = "to")]
        only: Vec<String>,
        /// Write the network of this experiment as it is when it first runs, and a simulation
        #[arg(long, value_name = "NAME", requires = "to", conflicts_with = "only")]
        experiment: Option<String>,
        /// The file to write, which must not be there yet; without it, the text is printed
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// List the standard library: modules, and what they declare
    List,
    /// Print a script that completes commands and options in a shell: `neuro completions bash > …`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder: `neuro man ~/.local/share/man/man1`
    Man {
        /// The folder
        folder: PathBuf,
    },
    /// Answer an editor: the language server protocol over standard input and output
    Lsp,
    /// Format files in place
    Fmt {
        /// Files or folders; `-` for standard input, which is written to standard output
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Only say which files would change
        #[arg(long)]
        check: bool,
    },
    /// Data sets: which are there, and whether they are whole
    Data {
        /// What to do
        #[arg(value_enum, default_value = "list")]
        command: DataCommand,
    },
    /// Write a new model to start from
    New {
        /// Name of the file to create
        name: PathBuf,
    },
}

/// Parses the arguments and carries out the command.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and the version are data, too.
            let code = u8::try_from(e.exit_code()).unwrap_or(2);
            return match e.print() {
                Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => {
                    tell!("error: cannot write: {why}");
                    ExitCode::from(2)
                }
                _ => ExitCode::from(code),
            };
        }
    };
    let messages = Messages { format: cli.message_format };
    if let Some(folder) = cli.data {
        neuro::disk::look_in(folder);
    }
    neuro::disk::allow(cli.allow_read);
    let shares_out = matches!(cli.command, Command::Run(_) | Command::Sweep { mpi: true, .. });
    let launched = match ranks::Launched::begin(shares_out) {
        Ok(launched) => launched,
        Err(text) => {
            messages.unusable(&text);
            return ExitCode::from(2);
        }
    };
    let done = match cli.command {
        Command::Data { command } => data::data(command == DataCommand::Check, messages),
        Command::Check { paths } => commands::check(&paths, messages),
        Command::Plan(request) => plan::plan(&request, messages),
        Command::Plot(request) => plot::plot(&request, messages),
        Command::Report { folder, to } => plot::report(&folder, to.as_deref(), messages),
        Command::Run(request) => run::run(request, launched.ranks(), messages),
        Command::Sweep { file, experiment, over, jobs, mpi: _, options, formats, checkpoints, results } => {
            let request = sweep::Request { file, experiment, over, jobs, options, formats, checkpoints, results };
            sweep::sweep(&request, &launched.ranks(), messages)
        }
        Command::Test { paths, accept, options } => test::test(&paths, &options, accept, messages),
        Command::Emit { file, stage, after, experiment, options } => {
            commands::emit(&file, &stage, after.as_deref(), experiment.as_deref(), &options, messages)
        }
        Command::Explain { what, name } => commands::explain(&what, name.as_deref(), messages),
        Command::Doc { what, format: DocFormat::Latex, standalone } => commands::methods(&what, standalone, messages),
        Command::Doc { standalone: true, .. } => Err(Stop::Usage("`--standalone` is for `--format latex`".into())),
        Command::Doc { what, .. } => commands::doc(&what, messages),
        Command::Convert { file, to: Some(language), only, experiment, output } => {
            let what = convert::Wanted { only: &only, experiment: experiment.as_deref() };
            convert::export(&file, language, &what, output.as_deref(), messages)
        }
        Command::Convert { file, output, .. } => convert::convert(&file, output.as_deref(), messages),
        Command::List => commands::list(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut <Cli as clap::CommandFactory>::command(), "neuro", &mut script);
            say!("{}", String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Command::Man { folder } => commands::man(&folder, <Cli as clap::CommandFactory>::command(), messages),
        Command::Lsp => lsp::serve(),
        Command::Fmt { paths, check } => commands::fmt(&paths, check, messages),
        Command::New { name } => scaffold::new(&name, messages),
    };
    let done = match (done, messages::unwritten()) {
        (Err(stop @ (Stop::Usage(_) | Stop::Signal(_))), _) => Err(stop),
        (_, Some(why)) => Err(Stop::Usage(format!("cannot write all output: {why}"))),
        (done, None) => done,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed) => ExitCode::from(1),
        Err(Stop::Signal(signal)) => ExitCode::from(signal.exit_code()),
        Err(Stop::Usage(text)) => {
            messages.unusable(&text);
            ExitCode::from(2)
        }
    }
}
