//! Instructions, counted by valgrind: independent of the machine's load.
//! <https://valgrind.org/docs/manual/cl-manual.html>
//!
//! Valgrind's processor has no instructions for SHA-256, which signs every call to AWS: the software version is
//! counted.

use std::fs;
use std::path::Path;

use crate::fleet::{Binary, Environment, Fleet, Stage};
use crate::login::{Kind, Logins};
use crate::make;

/// The number of logins by which two runs differ.
const LOGINS: u64 = 20;

/// Valgrind counts `rep movsb` as one instruction per byte. With this setting, memory is copied by other instructions.
/// <https://www.gnu.org/software/libc/manual/html_node/Hardware-Capability-Tunables.html>
const NO_REP_MOVSB: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=0x7fffffff");

/// The instructions of one warm login; `None` without valgrind.
pub(crate) async fn per_login(
    logins: &Logins<'_>,
    built: &[(Stage, Binary)],
    environment: &Environment,
    kind: Kind,
) -> Option<u64> {
    let valgrind = make::which("valgrind").ok()?;
    let folder = make::folder().join("callgrind");
    fs::create_dir_all(&folder).expect("the folder can be created");
    let mut environment = environment.clone();
    environment.push((NO_REP_MOVSB.0, NO_REP_MOVSB.1.to_owned()));
    let stages: Vec<_> = built.iter().filter(|(stage, _)| kind.stages().contains(stage)).collect();
    let mut totals = [0; 2];
    for (total, rounds) in totals.iter_mut().zip([LOGINS, 2 * LOGINS]) {
        let output = |stage: Stage| folder.join(format!("{stage}.{rounds}"));
        let under = |(stage, binary): &&(Stage, Binary)| {
            let output = format!("--callgrind-out-file={}", output(*stage).display());
            (*stage, binary.under(&valgrind, &["--tool=callgrind".to_owned(), output]))
        };
        let mut fleet = Fleet::start(&stages.iter().map(under).collect::<Vec<_>>(), &environment).await;
        for _ in 0..rounds {
            logins.one(&mut fleet, kind).await;
        }
        fleet.end();
        *total = stages.iter().map(|(stage, _)| counted(&output(*stage))).sum();
    }
    Some((totals[1] - totals[0]) / LOGINS)
}

fn counted(file: &Path) -> u64 {
    let text = fs::read_to_string(file).expect("valgrind writes its output");
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse().ok()).expect("valgrind's output has the total")
}
