//! Measures the cost of a login. `cargo run -p landfall-bench` builds the functions in the release profile, sends them
//! events through its own Lambda Runtime API, with the embedded DynamoDB and the simulated Keycloak, and prints tables.
//! It also measures the same login written for Node.js (`peer-node`), and prints the ratios.
//!
//! Sizes and the time to the first poll are those of the deployed binaries. Logins are measured with the feature
//! `local`, which allows a provider on this machine and differs in one constant. [`figures`] documents each figure.
//!
//! **Must not know**: the internals of functions. It sends HTTP events to processes and reads the kernel's counters.
//!
//! **To add one more figure**: a field in [`figures`], and its measurement. One more kind of login: a constant of
//! [`login::Kind`].
#![expect(clippy::expect_used, clippy::panic, reason = "this crate is a measuring tool built on the tests")]

pub mod figures;
mod fleet;
mod instructions;
pub mod login;
mod make;
mod process;

use figures::{Figures, FunctionFigures, LoginFigures};
use fleet::{Binary, Built, Environment, Fleet};
use landfall_tests::TestApp;
use login::{Kind, Logins};
use make::MakeError;

/// The command's options.
#[derive(Debug, clap::Parser)]
#[command(about = "Measures the cost of a login with the functions' release binaries.", long_about = None)]
pub struct Wanted {
    /// Prints JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// The number of measured logins of each kind; the figures are medians
    #[arg(long, default_value_t = 200)]
    pub logins: u32,
    /// The number of starts of each function
    #[arg(long, default_value_t = 20)]
    pub starts: u32,
    /// Uses the functions from an earlier run without building them
    #[arg(long)]
    pub built: bool,
    /// Skips the peer for Node.js (which needs Node 20.12 or newer and npm)
    #[arg(long)]
    pub no_peer: bool,
    /// Skips counting instructions (which needs valgrind)
    #[arg(long)]
    pub no_instructions: bool,
    /// Only starts this binary of a function, and prints the time to its first poll
    #[arg(long, value_name = "FILE")]
    pub starts_only: Option<std::path::PathBuf>,
}

/// The subject of a measurement: Landfall or the peer.
struct Subject<'a> {
    name: &'static str,
    app: &'a TestApp,
    built: Built,
    environment: Environment,
}

/// Measures and returns the output.
pub async fn run(wanted: &Wanted) -> Result<String, MakeError> {
    let app = login::app().await;
    let environment = app.environment().await;
    if let Some(file) = &wanted.starts_only {
        let (took, cpu) = first_poll(&Binary::of(file), &environment, wanted.starts).await;
        return Ok(format!("{}: {took:.1} ms from exec to the first poll, {cpu:.1} ms of CPU\n", file.display()));
    }
    let mut figures = Figures::of_this_machine(wanted.logins);
    for (stage, binary) in make::functions(false, wanted.built)? {
        let mut function = FunctionFigures::of_file(&format!("landfall {stage}"), &binary.file, "bootstrap");
        (function.first_poll_ms, function.start_cpu_ms) = first_poll(&binary, &environment, wanted.starts).await;
        figures.functions.push(function);
    }
    let mut of_this_machine = environment.clone();
    let issuer = of_this_machine.iter_mut().find(|(name, _)| *name == "LANDFALL_ISSUER");
    issuer.expect("a function has an issuer").1 = login::ISSUER.to_owned();
    let built = make::functions(true, wanted.built)?;
    let landfall = Subject { name: "landfall", app: &app, built, environment: of_this_machine };
    figures.logins = logins(wanted, &landfall, &Kind::ALL, &mut figures.functions).await;
    if !wanted.no_peer {
        let built = make::peer()?;
        for (name, value) in make::seed(&environment, &login::provider(&app))? {
            app.secrets.put(&name, &value);
        }
        let node = Subject { name: "node", app: &app, built, environment };
        for (stage, binary) in &node.built {
            let bundle = binary.arguments.last().expect("node runs a bundle");
            let mut function = FunctionFigures::of_file(&format!("node {stage}"), bundle, "index.cjs");
            (function.first_poll_ms, function.start_cpu_ms) =
                first_poll(binary, &node.environment, wanted.starts).await;
            figures.functions.push(function);
        }
        let kinds = [Kind::PASSWORD_RETURNING, Kind::PASSWORD_NEW];
        let measured = logins(wanted, &node, &kinds, &mut figures.functions).await;
        figures.logins.extend(measured);
    }
    figures.compare();
    Ok(if wanted.json { figures.json() } else { figures.table() })
}

/// The time from exec to the first poll and the CPU time until then, in milliseconds.
async fn first_poll(binary: &Binary, environment: &Environment, times: u32) -> (f64, f64) {
    let (mut took, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let mut function = binary.start(environment).await;
        function.polls().await;
        took.push(function.started().elapsed().as_secs_f64() * 1e3);
        cpu.push(process::cpu(function.id()).as_secs_f64() * 1e3);
    }
    (median(&took), median(&cpu))
}

async fn logins(
    wanted: &Wanted,
    subject: &Subject<'_>,
    kinds: &[Kind],
    functions: &mut [FunctionFigures],
) -> Vec<LoginFigures> {
    let mut figures = Vec::new();
    let logins = Logins::new(subject.app);
    // The same processes for all kinds, so that the peak memory covers everything they do.
    let mut fleet = Fleet::start(&subject.built, &subject.environment).await;
    for &kind in kinds {
        logins.warm_up(&mut fleet, kind).await;
    }
    for &kind in kinds {
        // Caches of a minute may have expired while the other kinds warmed up.
        logins.one(&mut fleet, kind).await;
        subject.app.secrets.take();
        let calls = logins.one(&mut fleet, kind).await;
        let mut login = LoginFigures::of(subject.name, kind, &calls, subject.app.secrets.take().len());
        let mut cpu = Vec::new();
        for _ in 0..wanted.logins {
            let before = fleet.cpu();
            logins.one(&mut fleet, kind).await;
            cpu.push(fleet.cpu().saturating_sub(before).as_secs_f64() * 1e3);
        }
        login.cpu_ms = median(&cpu);
        figures.push(login);
    }
    let function = |functions: &mut [FunctionFigures], stage| {
        let name = format!("{} {stage}", subject.name);
        functions.iter_mut().position(|function| function.name == name).expect("its sizes were measured before")
    };
    for (stage, peak) in fleet.peaks() {
        let place = function(functions, stage);
        functions[place].peak_kib = Some(peak);
    }
    drop(fleet);
    for (login, &kind) in figures.iter_mut().zip(kinds) {
        let mut colds = Vec::new();
        for _ in 0..wanted.starts {
            colds.push(logins.cold(&subject.built, &subject.environment, kind).await);
        }
        login.cold_ms = median(&colds.iter().map(|cold| cold.iter().sum()).collect::<Vec<_>>());
        for (index, &stage) in kind.stages().iter().enumerate() {
            let place = function(functions, stage);
            let answer = &mut functions[place].first_answer_ms;
            answer.get_or_insert_with(|| median(&colds.iter().map(|cold| cold[index]).collect::<Vec<_>>()));
        }
        // Only for Landfall: under valgrind a just-in-time compiler generates other code.
        if subject.name == "landfall" && !wanted.no_instructions {
            login.instructions = instructions::per_login(&logins, &subject.built, &subject.environment, kind).await;
        }
    }
    figures
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        len if len % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
