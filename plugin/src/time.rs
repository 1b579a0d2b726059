//! Points in time, durations and time zones, as far as gates need them. The time itself comes from `env.now`.
//!
//! A time zone is a POSIX `TZ` string, `CET-1CEST,M3.5.0,M10.5.0/3`: exact, and without the database of zones that a sandbox
//! has no file for and that would double the component. Rules of the form `Jn` and `n` are not in use today and are refused.

/// Seconds since 1970 in UTC.
pub type UnixSeconds = i64;

const DAY: i64 = 86_400;

/// A date and time on some clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The hour.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// The day of the week, Sunday is 0.
    pub weekday: u32,
}

impl CivilTime {
    fn at(local: UnixSeconds) -> Self {
        let days = local.div_euclid(DAY);
        let second = local.rem_euclid(DAY) as u32;
        let (year, month, day) = date(days);
        let weekday = (days + 4).rem_euclid(7) as u32;
        Self {
            year,
            month,
            day,
            hour: second / 3600,
            minute: second / 60 % 60,
            weekday,
        }
    }
}

/// Days since 1970 of a date; H. Hinnant, "chrono-compatible low-level date algorithms".
fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    } as u32;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Reads a timestamp as RFC 3339 writes it; none if it is none.
pub fn timestamp(text: &str) -> Option<UnixSeconds> {
    let number = |range: std::ops::Range<usize>| {
        text.get(range)
            .filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?
            .parse::<i64>()
            .ok()
    };
    let shape = [(4, "-"), (7, "-"), (13, ":"), (16, ":")];
    let fits = shape
        .iter()
        .all(|(at, mark)| text.get(*at..at + 1) == Some(mark));
    if !fits || !matches!(text.get(10..11), Some("T" | "t" | " ")) {
        return None;
    }
    let (month, day) = (number(5..7)? as u32, number(8..10)? as u32);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let rest = text[19..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match rest {
        "Z" | "z" => 0,
        _ => {
            let sign = if rest.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = rest.strip_prefix(['+', '-'])?.split_once(':')?;
            sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60)
        }
    };
    Some(days(number(0..4)?, month, day) * DAY + seconds - offset)
}

/// Reads a duration: `90s`, `30m`, `24h`, `2d`.
///
/// # Errors
/// Says what a duration looks like.
pub fn duration(text: &str) -> Result<UnixSeconds, String> {
    let bad = || format!("`{text}` is not a duration like `90s`, `30m`, `24h` or `2d`");
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => DAY,
        _ => return Err(bad()),
    };
    let count: u32 = number.parse().map_err(|_| bad())?;
    Ok(i64::from(count) * unit)
}

/// A duration for people.
pub fn spell(seconds: UnixSeconds) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s if s < 2 * DAY => format!("{} h {} min", s / 3600, s / 60 % 60),
        s => format!("{} d {} h", s / DAY, s / 3600 % 24),
    }
}

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    /// Seconds east of UTC, in winter.
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
    /// Reads a POSIX `TZ` string; `UTC` and `UTC0` are UTC.
    ///
    /// # Errors
    /// Says what a zone looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "UTC" {
            return Ok(Self {
                standard: 0,
                summer: None,
            });
        }
        Self::read(text).ok_or_else(|| {
            format!("`{text}` is not a time zone like `UTC`, `EST5EDT,M3.2.0,M11.1.0` or `CET-1CEST,M3.5.0,M10.5.0/3`")
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

    #[test]
    fn reads_timestamps() {
        assert_eq!(timestamp("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(timestamp("2026-01-06T10:00:00.123Z"), Some(1_767_693_600));
        assert_eq!(timestamp("2026-01-06T11:30:00+01:30"), Some(1_767_693_600));
        assert_eq!(timestamp("2024-02-29T23:59:59-00:30"), Some(1_709_252_999));
        for bad in [
            "",
            "2026-01-06",
            "2026-13-06T10:00:00Z",
            "2026-01-06T10:00:00",
            "yesterday at ten o'clock",
            "２０２６-01-06T10:00:00Z",
        ] {
            assert_eq!(timestamp(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_and_days_are_inverse() {
        for day in (-200_000..200_000).step_by(37) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn reads_durations() {
        assert_eq!(duration("90s"), Ok(90));
        assert_eq!(duration("2d"), Ok(172_800));
        for bad in ["", "5", "h", "-1h", "1.5h", "1w", "99999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

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
            "Europe/Berlin",
            "CET",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,J60,J300",
            "X1",
            "CET-1CEST",
        ] {
            assert!(TimeZone::parse(bad).is_err(), "{bad}");
        }
    }
}
