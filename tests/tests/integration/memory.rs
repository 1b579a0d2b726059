//! The peak of a process's memory, as Linux counts it.

use std::fmt;
use std::time::Duration;

use tokio::task::JoinHandle;

/// The largest resident set of a process, in KiB; none where nobody counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PeakMemory(pub(crate) Option<usize>);

impl fmt::Display for PeakMemory {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(kib) => write!(to, "{:>4} MiB", kib.div_ceil(1024)),
            None => to.write_str("   ? MiB"),
        }
    }
}

/// Looks at a process until it has ended: Linux forgets the number with it, but it never falls (proc(5), `VmHWM`).
pub(crate) fn watch(process: Option<u32>) -> JoinHandle<PeakMemory> {
    tokio::spawn(async move {
        let mut peak = PeakMemory::default();
        let Some(process) = process else {
            return peak;
        };
        while let Some(now) = high_water(process) {
            peak = peak.max(now);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        peak
    })
}

fn high_water(process: u32) -> Option<PeakMemory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(PeakMemory(line.trim().trim_end_matches(" kB").parse().ok()))
}
