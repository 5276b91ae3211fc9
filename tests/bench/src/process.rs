//! The kernel's counters of a process.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// The user and system time of its threads, exact to the nanosecond while they sleep.
/// <https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat>
pub(crate) fn cpu(id: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{id}/task")).expect("the process runs");
    let of = |thread: std::io::Result<fs::DirEntry>| {
        // A thread may end meanwhile.
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    let times: Vec<u64> = threads.filter_map(of).collect();
    assert!(!times.is_empty(), "the kernel has no CPU times of process {id}");
    Duration::from_nanos(times.iter().sum())
}

/// The peak memory (VmHWM).
pub(crate) fn peak_kib(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok()).expect("the kernel reports VmHWM")
}

/// Sends it SIGTERM.
pub(crate) fn ask_to_end(id: u32) {
    let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "process {id} cannot be ended");
}
