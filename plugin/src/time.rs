//! Points in time, durations and time zones, as far as gates need them. The time itself comes from `env.now`.

mod zone;

pub use zone::TimeZone;

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
pub(crate) fn days(year: i64, month: u32, day: u32) -> i64 {
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

/// A moment as RFC 3339 writes it, in UTC.
pub fn rfc3339(at: UnixSeconds) -> String {
    let civil = CivilTime::at(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        civil.year,
        civil.month,
        civil.day,
        civil.hour,
        civil.minute,
        at.rem_euclid(60)
    )
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
}
