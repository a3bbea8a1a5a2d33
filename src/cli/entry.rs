//! From the arguments to the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Cli, Verb};
use crate::cli::common::{Color, Common, LogFormat};
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::progress;
use crate::cli::{
    analyse, bench, contacts, diff, info, label, measure, phantom, potts, relax, run, segment, send, split, watch,
};
use crate::error::{Error, Result};

/// Runs the command line of the process; the exit codes are those of `docs/cli.md`.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come as errors too, with code 0.
            let bare = error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            if error.use_stderr() && !bare {
                complain(&Error::usage(one_line(&error)), 0);
            } else {
                let _ = error.print();
            }
            return ExitCode::from(error.exit_code().clamp(0, 255) as u8);
        }
    };
    let (json, verbose) = (cli.common.json, cli.common.verbose);
    prepare(&cli.common);
    match perform(cli) {
        Ok(answer) => {
            match answer.figures.print(json) {
                // Where nobody reads on there is no reason to complain.
                Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
                    let error = Error::writing(std::path::Path::new("standard output"), cause);
                    complain(&error, verbose);
                    ExitCode::from(error.kind().exit_code())
                }
                _ => ExitCode::from(u8::from(!answer.positive)),
            }
        }
        Err(error) => {
            complain(&error, verbose);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// What a verb ends with.
pub(crate) struct Answer {
    pub(crate) figures: Figures,
    /// False where the answer is no: exit code 1.
    pub(crate) positive: bool,
}

impl From<Figures> for Answer {
    fn from(figures: Figures) -> Self {
        Self { figures, positive: true }
    }
}

fn perform(cli: Cli) -> Result<Answer> {
    let context = Context::new(cli.common)?;
    let answer = act(&context, cli.verb).inspect_err(|_| context.fail())?;
    // In a cluster process 0 speaks for all.
    match context.is_first() {
        true => Ok(answer),
        false => Ok(Answer { figures: Figures::default(), positive: answer.positive }),
    }
}

fn act(context: &Context, verb: Verb) -> Result<Answer> {
    Ok(match verb {
        Verb::Info(args) => info::run(context, &args)?.into(),
        Verb::Phantom(args) => phantom::run(context, &args)?.into(),
        Verb::Segment(args) => segment::run(context, &args)?.into(),
        Verb::Split(args) => split::run(context, &args)?.into(),
        Verb::Label(args) => label::run(context, &args)?.into(),
        Verb::Contacts(args) => contacts::run(context, &args)?.into(),
        Verb::Measure(args) => measure::run(context, &args)?.into(),
        Verb::Analyse(args) => analyse::run(context, &args)?.into(),
        Verb::Run(args) => run::run(context, &args)?.into(),
        Verb::Relax(args) => relax::run(context, &args)?.into(),
        Verb::Potts(args) => potts::run(context, &args)?.into(),
        Verb::Watch(args) => watch::run(context, &args)?.into(),
        Verb::Send(args) => send::run(context, &args)?.into(),
        Verb::Bench(args) => bench::run(context, &args)?.into(),
        Verb::Diff(args) => diff::run(context, &args)?,
    })
}

fn prepare(common: &Common) {
    match common.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let level = match (common.quiet, common.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("off,septa={level}"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let colored = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    // A subscriber that is there already is as good.
    let _ = match common.log_format {
        LogFormat::Text => logs.without_time().with_ansi(colored).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    progress::interrupts();
    // A panic on a worker, or on a thread of the network whose peer was lost, comes back as an
    // error in one line; only with -v is the place told as well.
    if common.verbose == 0 {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let timely = std::thread::current().name().is_some_and(|name| name.starts_with("timely:"));
            if !timely {
                told(panic);
            }
        }));
    }
}

/// What is wrong with the arguments, in a line: what clap says before it turns to usage.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}: --help tells more", words.join(" ").trim_start_matches("error: "))
}

/// One line, and with `-v` what lies beneath.
fn complain(error: &Error, verbose: u8) {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{red}error:{red:#} {error}");
    if verbose > 0 {
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            let _ = writeln!(stderr, "  because: {next}");
            cause = next.source();
        }
    }
}
