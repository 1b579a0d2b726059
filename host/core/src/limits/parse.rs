//! Limits as an operator writes them: spans of time such as `5m`, sizes such as `64MiB`.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;

use crate::limits::Limits;
use crate::policy::compile::CompileLimits;

/// The table `[limits]`: each key replaces a default.
#[derive(Deserialize)]
#[serde(remote = "Limits", deny_unknown_fields, default)]
struct LimitsTable {
    #[serde(deserialize_with = "duration")]
    wall: Duration,
    #[serde(deserialize_with = "size")]
    memory: usize,
    #[serde(deserialize_with = "calls")]
    calls: u32,
    writes: u32,
    #[serde(deserialize_with = "duration")]
    rule: Duration,
    #[serde(deserialize_with = "size")]
    traffic: usize,
    #[serde(deserialize_with = "wait")]
    wait: Duration,
    #[serde(with = "CompileTable")]
    compile: CompileLimits,
}

/// The table `[limits.compile]`.
#[derive(Deserialize)]
#[serde(remote = "CompileLimits", deny_unknown_fields, default)]
struct CompileTable {
    #[serde(deserialize_with = "duration")]
    time: Duration,
    #[serde(deserialize_with = "size")]
    memory: usize,
}

impl Default for CompileTable {
    fn default() -> Self {
        let CompileLimits { time, memory } = CompileLimits::default();
        Self { time, memory }
    }
}

const UNITS: [(&str, usize); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("B", 1),
];

/// Reads the table `[limits]` of `promote.toml`.
///
/// # Errors
/// Names the key that is unknown, or the value that is no span of time or no size.
pub fn parse<'de, D: serde::Deserializer<'de>>(table: D) -> Result<Limits, D::Error> {
    LimitsTable::deserialize(table)
}

impl Default for LimitsTable {
    fn default() -> Self {
        let Limits {
            wall,
            memory,
            calls,
            writes,
            rule,
            traffic,
            wait,
            compile,
        } = Limits::default();
        Self {
            wall,
            memory,
            calls,
            writes,
            rule,
            traffic,
            wait,
            compile,
        }
    }
}

/// Most calls of one run, whatever the operator says: each is kept until the end, in memory that no limit of the policy counts.
const MAX_CALLS: u32 = 10_000;

fn calls<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let calls = u32::deserialize(from)?;
    if calls > MAX_CALLS {
        return Err(serde::de::Error::custom(format!(
            "{calls} calls are too many: each is kept until the end of the run; write {MAX_CALLS} at most"
        )));
    }
    Ok(calls)
}

fn duration<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let parsed = text
        .parse::<SignedDuration>()
        .ok()
        .and_then(|d| Duration::try_from(d).ok());
    parsed
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a time span; write for example `90s`, `5m` or `1h`"
            ))
        })
}

/// A span of days, or as any other.
fn wait<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.trim().parse::<u32>().ok());
    match days.filter(|days| *days > 0) {
        Some(days) => Ok(Duration::from_secs(u64::from(days) * 86_400)),
        None => duration(serde::de::value::StringDeserializer::new(text)),
    }
}

fn size<'de, D: serde::Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let text = String::deserialize(from)?;
    let parsed = UNITS.iter().find_map(|(unit, factor)| {
        let number: usize = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*factor)
    });
    parsed.filter(|bytes| *bytes > 0).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is not a size; write for example `64MiB`"))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Limits, toml::de::Error> {
        parse(toml::Deserializer::parse(text)?)
    }

    #[test]
    fn reads_spans_and_sizes_and_refuses_what_is_neither() {
        let limits = read("wall = \"90s\"\nmemory = \"8MiB\"\ncalls = 3").unwrap();
        assert_eq!(
            (limits.wall, limits.memory, limits.calls),
            (Duration::from_secs(90), 8 << 20, 3)
        );
        for wrong in [
            "wall = \"soon\"",
            "wall = \"-1s\"",
            "wall = \"0s\"",
            "memory = \"64\"",
            "memory = \"0MiB\"",
            "memory = \"99999999999GiB\"",
            "call = 1",
            "calls = 10001",
            "calls = -1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
