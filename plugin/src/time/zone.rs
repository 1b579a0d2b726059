//! Time zones: by the name that people know, or as a POSIX `TZ` string, `CET-1CEST,M3.5.0,M10.5.0/3`.
//!
//! `zones.txt` holds the rule that each zone of the IANA database (2026f) follows today: 10 kB, where the database with its
//! history is 400 kB. A calendar asks for the present and the near future only. Four zones whose clocks change by dates that
//! no such rule can say (Gaza, Hebron, Havana, Cuba) are left out, and so are rules of the form `Jn` and `n`, which no zone has.

use super::{CivilTime, DAY, UnixSeconds, days};

/// On each line a rule, then the zones that follow it.
const ZONES: &str = include_str!("zone/zones.txt");

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    /// UnixSeconds east of UTC, in winter.
    standard: i64,
    summer: Option<SummerTime>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SummerTime {
    offset: i64,
    begins: ZoneChange,
    ends: ZoneChange,
}

/// `Mm.w.d/time`: the w-th weekday d of month m, 5 for the last; seconds after midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ZoneChange {
    month: u32,
    week: u32,
    weekday: u32,
    time: i64,
}

impl TimeZone {
    /// Reads a name of the IANA database or a POSIX `TZ` string.
    ///
    /// # Errors
    /// Says what a zone looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rule = rule_of(text).unwrap_or(text);
        Self::read(rule).ok_or_else(|| {
            format!("`{text}` is not a time zone like `Europe/Berlin`, `UTC` or `EST5EDT,M3.2.0,M11.1.0`")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (zone, rules) = match text.split_once(',') {
            Some((zone, rules)) => (zone, Some(rules)),
            None => (text, None),
        };
        let rest = after_name(zone)?;
        let end = rest
            .find(|c: char| c.is_ascii_alphabetic() || c == '<')
            .unwrap_or(rest.len());
        // POSIX counts west of Greenwich.
        let standard = -clock(&rest[..end])?;
        let Some(rules) = rules else {
            return (end == rest.len()).then_some(Self {
                standard,
                summer: None,
            });
        };
        let offset = match after_name(&rest[end..])? {
            "" => standard + 3600,
            offset => -clock(offset)?,
        };
        let (begins, ends) = rules.split_once(',')?;
        let summer = SummerTime {
            offset,
            begins: ZoneChange::read(begins)?,
            ends: ZoneChange::read(ends)?,
        };
        Some(Self {
            standard,
            summer: Some(summer),
        })
    }

    /// What the clocks of this zone show.
    pub fn civil(&self, now: UnixSeconds) -> CivilTime {
        CivilTime::at(now + self.offset(now))
    }

    /// UnixSeconds east of UTC at a moment.
    fn offset(&self, now: UnixSeconds) -> i64 {
        let Some(summer) = &self.summer else {
            return self.standard;
        };
        let year = CivilTime::at(now + self.standard).year;
        let begins = summer.begins.at(year) - self.standard;
        let ends = summer.ends.at(year) - summer.offset;
        let is_summer = if begins < ends {
            (begins..ends).contains(&now)
        } else {
            !(ends..begins).contains(&now)
        };
        if is_summer {
            summer.offset
        } else {
            self.standard
        }
    }
}

impl ZoneChange {
    fn read(text: &str) -> Option<Self> {
        let (rule, time) = match text.split_once('/') {
            Some((rule, time)) => (rule, clock(time)?),
            None => (text, 7200),
        };
        let mut parts = rule
            .strip_prefix('M')?
            .split('.')
            .map(|part| part.parse::<u32>().ok());
        let (month, week, weekday) = (parts.next()??, parts.next()??, parts.next()??);
        let fits = (1..=12).contains(&month)
            && (1..=5).contains(&week)
            && weekday <= 6
            && parts.next().is_none();
        fits.then_some(Self {
            month,
            week,
            weekday,
            time,
        })
    }

    /// The moment in a year, on the clock that is shown before it.
    fn at(&self, year: i64) -> i64 {
        let first = days(year, self.month, 1);
        let to_weekday = (i64::from(self.weekday) - (first + 4)).rem_euclid(7);
        let mut day = first + to_weekday + 7 * i64::from(self.week - 1);
        let next = if self.month == 12 {
            days(year + 1, 1, 1)
        } else {
            days(year, self.month + 1, 1)
        };
        while day >= next {
            day -= 7;
        }
        day * DAY + self.time
    }
}

/// The rule of a zone of the IANA database.
fn rule_of(name: &str) -> Option<&'static str> {
    ZONES.lines().find_map(|line| {
        let mut words = line.split(' ');
        let rule = words.next()?;
        words.any(|zone| zone == name).then_some(rule)
    })
}

/// The rest after a zone's abbreviation, `CET` or `<+03>`.
fn after_name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>').map(|(_, rest)| rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// `[+-]hh[:mm[:ss]]` in seconds.
fn clock(text: &str) -> Option<i64> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut unit = 3600;
    let mut total = 0;
    for part in text.strip_prefix(['+', '-']).unwrap_or(text).split(':') {
        total += i64::from(part.parse::<u8>().ok()?) * unit;
        unit /= 60;
    }
    Some(sign * total)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::time::timestamp;

    #[test]
    fn follows_the_clock_changes_of_a_zone() {
        let table = [
            ("UTC", "2026-07-01T12:00:00Z", 12, 0),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 1, 59),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 3, 0),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:00Z", 2, 59),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 2, 0),
            ("EST5EDT,M3.2.0,M11.1.0", "2026-07-04T16:00:00Z", 12, 0),
            ("EST5EDT,M3.2.0,M11.1.0", "2026-12-04T16:00:00Z", 11, 0),
            (
                "AEST-10AEDT,M10.1.0,M4.1.0/3",
                "2026-01-06T10:00:00Z",
                21,
                0,
            ),
            (
                "AEST-10AEDT,M10.1.0,M4.1.0/3",
                "2026-07-06T10:00:00Z",
                20,
                0,
            ),
            ("<+0530>-5:30", "2026-01-06T10:00:00Z", 15, 30),
            ("Europe/Berlin", "2026-07-06T10:00:00Z", 12, 0),
            ("America/New_York", "2026-01-06T10:00:00Z", 5, 0),
            ("Etc/GMT+5", "2026-01-06T10:00:00Z", 5, 0),
            ("Asia/Kolkata", "2026-01-06T10:00:00Z", 15, 30),
            ("Australia/Lord_Howe", "2026-01-06T10:00:00Z", 21, 0),
            ("America/Nuuk", "2026-03-29T00:59:59Z", 22, 59),
            ("Asia/Jerusalem", "2026-03-27T00:00:00Z", 3, 0),
            ("Europe/Dublin", "2026-01-06T10:00:00Z", 10, 0),
            ("Europe/Dublin", "2026-07-06T10:00:00Z", 11, 0),
        ];
        for (zone, time, hour, minute) in table {
            let civil = TimeZone::parse(zone)
                .unwrap()
                .civil(timestamp(time).unwrap());
            assert_eq!((civil.hour, civil.minute), (hour, minute), "{zone} {time}");
        }
        let civil = TimeZone::parse("UTC")
            .unwrap()
            .civil(timestamp("2026-01-06T10:00:00Z").unwrap());
        assert_eq!(
            (civil.year, civil.month, civil.day, civil.weekday),
            (2026, 1, 6, 2)
        );
        for bad in [
            "",
            "Europe/Berlim",
            "Asia/Gaza",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,J60,J300",
            "X1",
            "CET-1CEST",
        ] {
            assert!(TimeZone::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_rule_of_the_table_can_be_read() {
        let mut names = Vec::new();
        for line in ZONES.lines() {
            let (rule, zones) = line.split_once(' ').unwrap();
            assert!(TimeZone::read(rule).is_some(), "{rule}");
            names.extend(zones.split(' '));
        }
        assert!(names.len() > 590);
        let schema: serde_json::Value = serde_json::from_str(crate::settings::SCHEMA).unwrap();
        let known = &schema["properties"]["freeze"]["properties"]["zone"]["anyOf"][0]["enum"];
        names.sort_unstable();
        assert_eq!(known, &serde_json::json!(names));
    }
}
