//! The figures and their output.

use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use landfall_tests::proxy::Call;
use serde::Serialize;

use crate::login::Kind;

/// All figures of a run.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The number and model of the processors.
    pub machine: String,
    /// The number of logins for each median.
    pub logins_each: u32,
    /// The functions.
    pub functions: Vec<FunctionFigures>,
    /// The logins.
    pub logins: Vec<LoginFigures>,
    /// The goals, and whether they are met.
    pub goals: Vec<Goal>,
    /// The peer's figures divided by ours.
    pub ratios: Vec<Ratio>,
}

/// The figures of a function's binary and start.
#[derive(Debug, Serialize)]
pub struct FunctionFigures {
    /// The subject and the function.
    pub name: String,
    /// The size of the binary or bundle.
    pub binary_bytes: u64,
    /// The size of the deployed zip.
    pub zip_bytes: u64,
    /// The time from exec to the first poll for an event, after its secrets are read.
    pub first_poll_ms: f64,
    /// The user and system time until the first poll.
    pub start_cpu_ms: f64,
    /// The time from exec until it has answered its first event and polls for the next one, in a login of a returning
    /// user. All its caches are empty at first.
    pub first_answer_ms: Option<f64>,
    /// The peak memory after all logins of all kinds (VmHWM).
    pub peak_kib: Option<u64>,
}

/// The figures of a login, summed over its functions.
#[derive(Debug, Serialize)]
pub struct LoginFigures {
    /// The subject.
    pub whose: String,
    /// The kind of login.
    pub kind: String,
    /// The median user and system time of a warm login.
    pub cpu_ms: f64,
    /// Instructions of a warm login in user space; `None` if they were not counted.
    pub instructions: Option<u64>,
    /// Sequential calls to DynamoDB in a warm login.
    pub dynamodb: usize,
    /// Sequential calls to the provider in a warm login.
    pub provider: usize,
    /// Sequential calls to Secrets Manager in a warm login.
    pub secrets: usize,
    /// Write units.
    pub write_units: f64,
    /// Read units.
    pub read_units: f64,
    /// The median of the sum of its functions' times, each just started.
    pub cold_ms: f64,
}

/// A goal.
#[derive(Debug, Serialize)]
pub struct Goal {
    /// The figure.
    pub what: String,
    /// The largest allowed value.
    pub at_most: f64,
    /// The measured value.
    pub measured: f64,
    /// Whether the goal is met.
    pub holds: bool,
}

/// A figure of ours and of the peer.
#[derive(Debug, Serialize)]
pub struct Ratio {
    /// The figure.
    pub what: String,
    /// Our value.
    pub landfall: f64,
    /// The peer's value.
    pub node: f64,
    /// The peer's value divided by ours.
    pub ratio: f64,
}

const MIB: f64 = 1024.0 * 1024.0;

impl Figures {
    pub(crate) fn of_this_machine(logins_each: u32) -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = |line: &str| Some(line.strip_prefix("model name")?.split_once(": ")?.1.to_owned());
        let models: Vec<_> = cpus.lines().filter_map(name).collect();
        let machine = format!("{} x {}", models.len(), models.first().map_or("unknown", String::as_str));
        Self { machine, logins_each, functions: vec![], logins: vec![], goals: vec![], ratios: vec![] }
    }

    /// Computes goals and ratios.
    pub(crate) fn compare(&mut self) {
        let ours = || self.functions.iter().filter(|function| function.name.starts_with("landfall "));
        let most = |of: fn(&FunctionFigures) -> f64| ours().map(of).fold(0.0, f64::max);
        let mut goals = vec![
            Goal::of("zip of the largest function, MiB", 5.0, most(|function| function.zip_bytes as f64 / MIB)),
            Goal::of("exec to first poll of the slowest, ms", 10.0, most(|function| function.first_poll_ms)),
            Goal::of(
                "peak memory of the largest in a login, MiB",
                16.0,
                most(|function| function.peak_kib.unwrap_or_default() as f64 / 1024.0),
            ),
        ];
        let login = |whose: &str, kind: Kind| {
            self.logins.iter().find(move |login| login.whose == whose && login.kind == kind.to_string())
        };
        if let Some(returning) = login("landfall", Kind::PASSWORD_RETURNING) {
            goals.push(Goal::of("CPU of a password login, returning, ms", 1.5, returning.cpu_ms));
            if let Some(node) = login("node", Kind::PASSWORD_RETURNING) {
                goals.push(Goal::of("  and of Node's", 0.1, returning.cpu_ms / node.cpu_ms));
            }
            if let Some(instructions) = returning.instructions {
                goals.push(Goal::of("  instructions, millions", 4.5, instructions as f64 / 1e6));
            }
            goals.push(Goal::of("  write units", 5.0, returning.write_units));
        }
        if let Some(new) = login("landfall", Kind::PASSWORD_NEW) {
            goals.push(Goal::of("write units of a password login, new", 12.0, new.write_units));
        }
        let mut ratios = Vec::new();
        for kind in [Kind::PASSWORD_RETURNING, Kind::PASSWORD_NEW] {
            let (Some(ours), Some(theirs)) = (login("landfall", kind), login("node", kind)) else { continue };
            ratios.push(Ratio::of(&format!("CPU, {kind}, ms"), ours.cpu_ms, theirs.cpu_ms));
            ratios.push(Ratio::of(&format!("all functions cold, {kind}, ms"), ours.cold_ms, theirs.cold_ms));
        }
        for node in self.functions.iter().filter(|function| function.name.starts_with("node ")) {
            let stage = node.name.trim_start_matches("node ");
            let Some(ours) = ours().find(|function| function.name.ends_with(stage)) else { continue };
            ratios.push(Ratio::of(&format!("{stage}: first poll, ms"), ours.first_poll_ms, node.first_poll_ms));
            if let (Some(ours), Some(node)) = (ours.peak_kib, node.peak_kib) {
                ratios.push(Ratio::of(&format!("{stage}: memory, MiB"), ours as f64 / 1024.0, node as f64 / 1024.0));
            }
            let (ours, node) = (ours.zip_bytes as f64 / MIB, node.zip_bytes as f64 / MIB);
            ratios.push(Ratio::of(&format!("{stage}: zip, MiB"), ours, node));
        }
        (self.goals, self.ratios) = (goals, ratios);
    }

    /// The figures as JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers and names are JSON") + "\n"
    }

    /// The figures as Markdown tables.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}; CPU: medians of {} logins\n\n", self.machine, self.logins_each);
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        let optional = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        writeln!(to, "| function | binary MiB | zip MiB | first poll ms | its CPU ms | first answer ms | peak MiB |")?;
        writeln!(to, "|---|---:|---:|---:|---:|---:|---:|")?;
        for function in &self.functions {
            let FunctionFigures { name, binary_bytes, zip_bytes, first_poll_ms, start_cpu_ms, .. } = function;
            let (binary, zip) = (*binary_bytes as f64 / MIB, *zip_bytes as f64 / MIB);
            let peak = optional(function.peak_kib.map(|kib| kib as f64 / 1024.0));
            let answer = optional(function.first_answer_ms);
            writeln!(
                to,
                "| {name} | {binary:.2} | {zip:.2} | {first_poll_ms:.1} | {start_cpu_ms:.1} | {answer} | {peak} |"
            )?;
        }
        writeln!(
            to,
            "\n| login | CPU ms | M instructions | DynamoDB | provider | secrets | write units | read units | cold ms |"
        )?;
        writeln!(to, "|---|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        for login in &self.logins {
            let LoginFigures { whose, kind, cpu_ms, dynamodb, provider, secrets, .. } = login;
            let LoginFigures { write_units, read_units, cold_ms, .. } = login;
            let millions = login.instructions.map_or("-".to_owned(), |count| format!("{:.2}", count as f64 / 1e6));
            writeln!(
                to,
                "| {whose}, {kind} | {cpu_ms:.2} | {millions} | {dynamodb} | {provider} | {secrets} | {write_units} | \
                 {read_units} | {cold_ms:.0} |"
            )?;
        }
        writeln!(to, "\n| goal | at most | measured | |\n|---|---:|---:|---|")?;
        for Goal { what, at_most, measured, holds } in &self.goals {
            writeln!(to, "| {what} | {at_most} | {measured:.2} | {} |", if *holds { "holds" } else { "missed" })?;
        }
        if !self.ratios.is_empty() {
            writeln!(to, "\n| beside Node.js | landfall | node | times |\n|---|---:|---:|---:|")?;
        }
        for Ratio { what, landfall, node, ratio } in &self.ratios {
            writeln!(to, "| {what} | {landfall:.2} | {node:.2} | {ratio:.2} |")?;
        }
        Ok(())
    }
}

impl FunctionFigures {
    /// The figures of a file with this name in its zip.
    pub(crate) fn of_file(whose: &str, file: &Path, name: &str) -> Self {
        let content = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut zip = DeflateEncoder::new(Vec::new(), Compression::default());
        let deflated = zip.write_all(&content).and_then(|()| zip.finish()).expect("writing to memory does not fail");
        // A local header, a central one and the end of the directory:
        // <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT> section 4.3
        let zip_bytes = deflated.len() + 30 + 46 + 22 + 2 * name.len();
        Self {
            name: whose.to_owned(),
            binary_bytes: content.len() as u64,
            zip_bytes: zip_bytes as u64,
            first_poll_ms: 0.0,
            start_cpu_ms: 0.0,
            first_answer_ms: None,
            peak_kib: None,
        }
    }
}

impl LoginFigures {
    /// The figures of a login with these calls and this many calls to Secrets Manager.
    pub(crate) fn of(whose: &str, kind: Kind, calls: &[Call], secrets: usize) -> Self {
        let to = |service: &str| calls.iter().filter(|call| call.service == service).count();
        Self {
            whose: whose.to_owned(),
            kind: kind.to_string(),
            cpu_ms: 0.0,
            instructions: None,
            dynamodb: to("dynamodb"),
            provider: to("provider"),
            secrets,
            write_units: calls.iter().map(|call| call.write_units).sum(),
            read_units: calls.iter().map(|call| call.read_units).sum(),
            cold_ms: 0.0,
        }
    }
}

impl Goal {
    fn of(what: &str, at_most: f64, measured: f64) -> Self {
        Self { what: what.to_owned(), at_most, measured, holds: measured <= at_most }
    }
}

impl Ratio {
    fn of(what: &str, landfall: f64, node: f64) -> Self {
        Self { what: what.to_owned(), landfall, node, ratio: node / landfall }
    }
}
