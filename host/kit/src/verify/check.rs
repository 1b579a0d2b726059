//! Finds the lines of a journal that are not as they were written. It decides nothing about what was recorded.

use std::collections::{BTreeMap, BTreeSet};

use promote_core::journal::record::JournalLine;
use promote_core::journal::{FORMAT, JournalEntry, JournalHeader, chain};

/// The state of a journal, as far as the journal alone can tell.
#[derive(Clone, Debug, PartialEq)]
pub struct JournalCheck {
    /// The number of whole lines.
    pub lines: usize,
    /// The seal, which is the sum that the footer gives itself; without a footer, that of the last whole line.
    pub sum: String,
    /// The first line of the run, if it can be read.
    pub header: Option<Box<JournalHeader>>,
    /// Its end.
    pub end: JournalEnd,
    /// The faults, line by line; empty if every line is as it was written.
    pub findings: Vec<LineFinding>,
}

/// The end of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalEnd {
    /// With the run's own ending.
    Said {
        /// The kind of ending.
        ending: String,
        /// The words for it.
        message: String,
    },
    /// After a whole line that is no ending: the run was killed, or the rest was removed.
    Cut,
    /// In the middle of a line: the run was killed while it wrote, or the rest was removed.
    Torn,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFinding {
    /// The line, from 1.
    pub line: usize,
    /// The fault.
    pub what: LineFault,
}

/// A fault of a line. The words follow "line N".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It is not one of a journal.
    #[error("is no line of a journal: {0}")]
    Unreadable(String),
    /// It is not what was written.
    #[error("was edited: its sum does not fit it")]
    Edited,
    /// It was written elsewhere.
    #[error("was written as line {0}: it was moved, or others were")]
    Moved(usize),
    /// It was written once and is there twice.
    #[error("repeats line {0}")]
    Repeated(usize),
    /// Lines that were written before it are not there.
    #[error("is not where it was written: {} missing before it", lines(.0, .1))]
    Missing(usize, usize),
    /// It does not belong there, although nothing was changed after it was written.
    #[error("does not belong there: {0}")]
    Misplaced(&'static str),
    /// It is written in a format that this version does not know.
    #[error("names the format {0}, and this version reads {FORMAT}: use the version that wrote it")]
    Format(u32),
    /// The journal holds nothing.
    #[error("is missing: the journal is empty")]
    Empty,
}

fn lines(first: &usize, last: &usize) -> String {
    if first == last {
        format!("line {first} is")
    } else {
        format!("lines {first} to {last} are")
    }
}

impl LineFault {
    /// A stable word for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Edited => "edited",
            Self::Moved(_) => "moved",
            Self::Repeated(_) => "repeated",
            Self::Missing(..) => "missing",
            Self::Misplaced(_) => "misplaced",
            Self::Format(_) => "format",
            Self::Empty => "empty",
        }
    }
}

/// Looks at every line of a journal.
pub fn check(bytes: &[u8]) -> JournalCheck {
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let texts: Vec<&[u8]> = bytes[..whole]
        .split_inclusive(|byte| *byte == b'\n')
        .collect();
    let parsed: Vec<Option<JournalLine<'_>>> = texts.iter().map(|text| parse(text)).collect();
    let mut findings = order(&parsed);
    findings.extend(sums(&parsed));
    let mut entries = Vec::new();
    for (index, line) in parsed.iter().enumerate() {
        match line.map(|line| serde_json::from_str::<JournalEntry>(line.entry)) {
            Some(Ok(entry)) => entries.push((index + 1, entry)),
            Some(Err(why)) => findings.push(LineFinding {
                line: index + 1,
                what: unreadable(&why.to_string()),
            }),
            None => {}
        }
    }
    // What is out of its order breaks this rule too: only a line that is what was written is worth a word about it.
    if findings.is_empty() {
        findings = sequence(&entries);
    }
    findings.sort_by_key(|finding| finding.line);
    findings.dedup();
    let footer = entries
        .iter()
        .rfind(|(_, entry)| !matches!(entry, JournalEntry::Closing { .. }));
    let end = match footer {
        _ if whole < bytes.len() => JournalEnd::Torn,
        Some((
            _,
            JournalEntry::Footer {
                ending, message, ..
            },
        )) => JournalEnd::Said {
            ending: ending.clone(),
            message: message.clone(),
        },
        _ => JournalEnd::Cut,
    };
    let sealed = match footer {
        Some((line, JournalEntry::Footer { .. })) => *line,
        _ => texts.len(),
    };
    let sum = parsed
        .get(sealed.wrapping_sub(1))
        .copied()
        .flatten()
        .map(|line| line.sum.to_owned())
        .unwrap_or_default();
    let header = entries.into_iter().find_map(|(_, entry)| match entry {
        JournalEntry::Header(header) => Some(header),
        _ => None,
    });
    JournalCheck {
        lines: texts.len(),
        sum,
        header,
        end,
        findings,
    }
}

fn parse(text: &[u8]) -> Option<JournalLine<'_>> {
    let text = std::str::from_utf8(text).ok()?;
    JournalLine::parse(text.strip_suffix('\n')?)
}

fn unreadable(why: &str) -> LineFault {
    LineFault::Unreadable(why.to_owned())
}

/// Holds the numbers that lines give themselves against the places where they stand.
fn order(parsed: &[Option<JournalLine<'_>>]) -> Vec<LineFinding> {
    let there: BTreeSet<usize> = parsed.iter().flatten().map(|line| line.number).collect();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut expected = 1;
    let mut before = "";
    for (index, line) in parsed.iter().enumerate() {
        let mut find = |what| {
            findings.push(LineFinding {
                line: index + 1,
                what,
            })
        };
        let Some(line) = line else {
            find(unreadable("it was not written by this program"));
            (expected, before) = (expected + 1, "");
            continue;
        };
        let number = line.number;
        if number != expected && chain(before, expected, line.entry) == line.sum {
            // Only its number is another; all that follows is where it was.
            find(LineFault::Edited);
            (expected, before) = (expected + 1, line.sum);
            continue;
        }
        let missing: Vec<usize> = gap(expected, number)
            .filter(|number| !there.contains(number))
            .collect();
        match (missing.first(), missing.last()) {
            _ if !seen.insert(number) => find(LineFault::Repeated(number)),
            (Some(first), Some(last)) => find(LineFault::Missing(*first, *last)),
            _ if number != expected => find(LineFault::Moved(number)),
            _ => {}
        }
        (expected, before) = (expected.max(number.saturating_add(1)), line.sum);
    }
    findings
}

/// The numbers that are skipped; of a number that no journal reaches only the first few, since it is made up.
fn gap(expected: usize, number: usize) -> impl Iterator<Item = usize> {
    (expected..number).take(1_000)
}

/// Holds the sum of every line against its text and the sum of the line that was written before it, wherever that stands.
fn sums(parsed: &[Option<JournalLine<'_>>]) -> Vec<LineFinding> {
    let mut by_number: BTreeMap<usize, JournalLine<'_>> = BTreeMap::new();
    for (index, line) in parsed.iter().enumerate() {
        let Some(line) = line else { continue };
        if line.number == index + 1 {
            by_number.insert(line.number, *line);
        } else {
            by_number.entry(line.number).or_insert(*line);
        }
    }
    // What a line's sum should be, where the line before it is there.
    let right = |line: &JournalLine<'_>| match line.number {
        1 => Some(chain("", 1, line.entry)),
        number => Some(chain(
            by_number.get(&number.checked_sub(1)?)?.sum,
            number,
            line.entry,
        )),
    };
    let is_edited = |line: &JournalLine<'_>| {
        let Some(found) = right(line).filter(|found| *found != line.sum) else {
            return false;
        };
        // If the sum of the line before was edited and nothing else, then this one is as it was written.
        let earlier = line
            .number
            .checked_sub(1)
            .and_then(|number| by_number.get(&number));
        let mended = earlier
            .and_then(right)
            .map(|sum| chain(&sum, line.number, line.entry));
        mended.is_none_or(|mended| mended != line.sum) && found != line.sum
    };
    let numbered = parsed
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((index + 1, line.as_ref()?)));
    numbered
        .filter(|(_, line)| is_edited(line))
        .map(|(line, _)| LineFinding {
            line,
            what: LineFault::Edited,
        })
        .collect()
}

/// Holds the entries against the order that a run writes them in.
fn sequence(entries: &[(usize, JournalEntry)]) -> Vec<LineFinding> {
    let mut calls = 0_u32;
    let mut open = false;
    let mut over = false;
    let mut closed = None;
    let mut findings = Vec::new();
    for (line, entry) in entries {
        let misplaced = match entry {
            JournalEntry::Closing { write, .. } => {
                let before = closed.replace(write.rank());
                if !over {
                    Some("a closing write comes after the run's end")
                } else if before.is_some_and(|before| before >= write.rank()) {
                    Some(
                        "closing writes are made once each: the record, the deployment, the comment, the last words",
                    )
                } else {
                    None
                }
            }
            _ if over => Some(
                "the run had ended, and after that only the record, the deployment, the comment and the last words are written",
            ),
            JournalEntry::Header(header) if header.format != FORMAT => {
                findings.push(LineFinding {
                    line: *line,
                    what: LineFault::Format(header.format),
                });
                None
            }
            JournalEntry::Header(_) => {
                (*line != 1).then_some("a journal has one header, its first line")
            }
            _ if *line == 1 => Some("a journal starts with its header"),
            JournalEntry::Call { number, .. } if open || *number != calls + 1 => Some(
                "a call before the last one was answered, or with another number than the next",
            ),
            JournalEntry::Reply { number, .. } | JournalEntry::Failure { number, .. }
                if !open || *number != calls =>
            {
                Some("an answer to no call")
            }
            JournalEntry::Fact { number, .. }
            | JournalEntry::Rules { number, .. }
            | JournalEntry::Status { number, .. }
                if *number == 0 || *number != calls =>
            {
                Some("the rules were asked for no call")
            }
            _ => None,
        };
        match entry {
            JournalEntry::Call { .. } => (calls, open) = (calls.saturating_add(1), true),
            JournalEntry::Reply { .. } | JournalEntry::Failure { .. } => open = false,
            JournalEntry::Footer { .. } => over = true,
            JournalEntry::Header(_)
            | JournalEntry::Fact { .. }
            | JournalEntry::Rules { .. }
            | JournalEntry::Status { .. }
            | JournalEntry::Closing { .. } => {}
        }
        findings.extend(misplaced.map(|why| LineFinding {
            line: *line,
            what: LineFault::Misplaced(why),
        }));
    }
    if entries.is_empty() {
        findings.push(LineFinding {
            line: 1,
            what: LineFault::Empty,
        });
    }
    findings
}
