//! The calendar of a freeze: windows as cron writes them, and days or hours that are named.
//!
//! It is read once, with the settings, so that a mistake is found before anything happens.

use crate::settings::Freeze;
use crate::time::{CivilTime, TimeZone, UnixSeconds};

/// The time ahead in which the end of a freeze is looked for.
const FURTHEST_END: UnixSeconds = 60 * 86_400;

/// When nobody promotes.
#[derive(Clone, Debug)]
pub struct FreezeCalendar {
    zone: TimeZone,
    entries: Vec<CalendarEntry>,
}

/// An entry of a calendar: what it covers, and as it is written.
#[derive(Clone, Debug)]
struct CalendarEntry {
    span: FrozenSpan,
    shown: String,
}

#[derive(Clone, Debug)]
enum FrozenSpan {
    /// Minute, hour, day, month, weekday; unlike cron's, day and weekday must both fit.
    Window(Box<[Vec<FieldSteps>; 5]>),
    Holiday(CalendarDate, CalendarDate),
}

/// Values from `first` to `last`, over the end if `last` is less, every `step`-th of them.
#[derive(Clone, Copy, Debug)]
struct FieldSteps {
    first: u32,
    last: u32,
    step: u32,
    /// The number of values before they begin anew.
    round: u32,
}

/// A date, and a time of day in minutes, as a holiday names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CalendarDate {
    year: Option<i64>,
    /// The month times 100 and the day.
    date: u32,
    minute: Option<u32>,
}

/// A freeze that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveFreeze {
    /// The entry, as it is written.
    pub entry: String,
    /// The clock of the zone.
    pub clock: String,
    /// When no entry covers the time any more, if that is within 60 days.
    pub ends: Option<UnixSeconds>,
}

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// Least, most and names of the fields of a window.
const FIELDS: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &MONTHS),
    (0, 7, &WEEKDAYS),
];

impl FreezeCalendar {
    /// Reads the calendar of the settings.
    ///
    /// # Errors
    /// Names the setting that is wrong.
    pub fn read(settings: &Freeze) -> Result<Self, String> {
        let zone = TimeZone::parse(&settings.zone).map_err(|what| format!("zone: {what}"))?;
        let mut entries = Vec::new();
        for window in &settings.windows {
            let fields = window_fields(window).map_err(|what| format!("windows: {what}"))?;
            entries.push(CalendarEntry {
                span: FrozenSpan::Window(Box::new(fields)),
                shown: format!("window `{window}`"),
            });
        }
        for holiday in &settings.holidays {
            let (first, last) = holiday_span(holiday).ok_or_else(|| {
                format!("holidays: `{holiday}` is not a date like `2026-12-25`, `12-25` or `12-24T17:00`, or a range of two such, `12-24..01-02`")
            })?;
            entries.push(CalendarEntry {
                span: FrozenSpan::Holiday(first, last),
                shown: format!("of `{holiday}`"),
            });
        }
        Ok(Self { zone, entries })
    }

    /// Returns whether no time is frozen at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns every entry that covers a moment.
    pub fn active(&self, now: UnixSeconds) -> Vec<ActiveFreeze> {
        let civil = self.zone.civil(now);
        let on: Vec<_> = self.covering(&civil).collect();
        let ends = if on.is_empty() { None } else { self.end(now) };
        on.into_iter()
            .map(|entry| ActiveFreeze {
                entry: entry.shown.clone(),
                clock: show(&civil),
                ends,
            })
            .collect()
    }

    /// Returns a moment as a clock of the zone shows it.
    pub fn clock(&self, at: UnixSeconds) -> String {
        show(&self.zone.civil(at))
    }

    fn covering(&self, at: &CivilTime) -> impl Iterator<Item = &CalendarEntry> {
        self.entries.iter().filter(|entry| entry.span.covers(at))
    }

    /// Returns the first minute that nothing covers.
    fn end(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let next = now - now.rem_euclid(60) + 60;
        (next..next + FURTHEST_END)
            .step_by(60)
            .find(|at| self.covering(&self.zone.civil(*at)).next().is_none())
    }
}

impl FrozenSpan {
    fn covers(&self, at: &CivilTime) -> bool {
        match self {
            Self::Window(fields) => {
                let values = [at.minute, at.hour, at.day, at.month, at.weekday];
                values.iter().zip(fields.iter()).all(|(value, field)| {
                    // 7 is Sunday as well.
                    field.iter().any(|steps| {
                        steps.admit(*value) || (steps.round == 8 && *value == 0 && steps.admit(7))
                    })
                })
            }
            Self::Holiday(first, last) => {
                let now = (at.month * 100 + at.day, at.hour * 60 + at.minute);
                let (from, to) = (
                    (first.date, first.minute.unwrap_or(0)),
                    (last.date, last.end()),
                );
                match (first.year, last.year) {
                    (Some(begins), Some(ends)) => {
                        (begins, from) <= (at.year, now) && (at.year, now) < (ends, to)
                    }
                    _ if from < to => (from..to).contains(&now),
                    _ => now >= from || now < to,
                }
            }
        }
    }
}

impl FieldSteps {
    fn admit(&self, value: u32) -> bool {
        if self.first <= self.last {
            return (self.first..=self.last).contains(&value)
                && (value - self.first).is_multiple_of(self.step);
        }
        // `fri-mon`, `22-5`: over the end of the week or the day.
        let later = if value < self.first { self.round } else { 0 };
        (value >= self.first || value <= self.last)
            && (value + later - self.first).is_multiple_of(self.step)
    }
}

impl CalendarDate {
    fn read(text: &str) -> Option<Self> {
        let (date, time) = match text.trim().split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text.trim(), None),
        };
        let parts: Vec<_> = date.split('-').collect();
        let (year, month, day) = match parts[..] {
            [month, day] => (None, month, day),
            [year, month, day] => (Some(year.parse().ok()?), month, day),
            _ => return None,
        };
        let (month, day): (u32, u32) = (month.parse().ok()?, day.parse().ok()?);
        let minute = match time {
            Some(time) => {
                let (hour, minute) = time.split_once(':')?;
                let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
                (hour < 24 && minute < 60).then_some(Some(hour * 60 + minute))?
            }
            None => None,
        };
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Self {
            year,
            date: month * 100 + day,
            minute,
        })
    }

    /// The first minute after a span that ends with this moment: a day counts whole.
    fn end(&self) -> u32 {
        self.minute.unwrap_or(24 * 60)
    }
}

fn show(at: &CivilTime) -> String {
    format!(
        "{}-{:02}-{:02} {:02}:{:02}",
        at.year, at.month, at.day, at.hour, at.minute
    )
}

fn window_fields(window: &str) -> Result<[Vec<FieldSteps>; 5], String> {
    let fields: Vec<_> = window.split_whitespace().collect();
    let fields: [&str; 5] = fields.try_into().map_err(|_| {
        format!("`{window}` has not the five fields minute, hour, day, month, weekday")
    })?;
    let mut read: [Vec<FieldSteps>; 5] = Default::default();
    for ((field, bounds), steps) in fields.iter().zip(FIELDS).zip(&mut read) {
        *steps = field_steps(field, bounds).ok_or_else(|| {
            format!("`{field}` in `{window}` is not `*`, a number, a range or a list of these")
        })?;
    }
    Ok(read)
}

/// Returns the values that a field admits; none if the field is malformed.
fn field_steps(field: &str, (least, most, names): (u32, u32, &[&str])) -> Option<Vec<FieldSteps>> {
    let number = |text: &str| {
        let name = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text))
            .map(|at| at as u32 + least);
        name.or_else(|| text.parse().ok())
            .filter(|n| (least..=most).contains(n))
    };
    let steps = |part: &str| {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, number(range)?),
        };
        Some(FieldSteps {
            first,
            last,
            step,
            round: most + 1,
        })
    };
    field.split(',').map(steps).collect()
}

/// Reads `2026-12-25`, `12-25` (every year), either with a time, or a range of two, `12-24..01-02`.
fn holiday_span(holiday: &str) -> Option<(CalendarDate, CalendarDate)> {
    let (first, last) = holiday.split_once("..").unwrap_or((holiday, holiday));
    let (first, last) = (CalendarDate::read(first)?, CalendarDate::read(last)?);
    // A single moment in time covers nothing: it is a range whose end is missing.
    let is_span = first != last || first.minute.is_none();
    (is_span && first.year.is_some() == last.year.is_some()).then_some((first, last))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::settings::OnNo;
    use crate::time::timestamp;

    fn calendar(
        zone: &str,
        window: Option<&str>,
        holiday: Option<&str>,
    ) -> Result<FreezeCalendar, String> {
        let list = |text: Option<&str>| text.into_iter().map(str::to_owned).collect();
        FreezeCalendar::read(&Freeze {
            file: String::new(),
            zone: zone.to_owned(),
            windows: list(window),
            holidays: list(holiday),
            exempt: Vec::new(),
            hotfix_input: String::new(),
            on_no: OnNo::Refuse,
        })
    }

    /// A Tuesday.
    const NOW: &str = "2026-01-06T10:00:00Z";

    fn is_frozen(window: Option<&str>, holiday: Option<&str>, now: &str) -> bool {
        let calendar = calendar("UTC", window, holiday).unwrap();
        !calendar.active(timestamp(now).unwrap()).is_empty()
    }

    #[test]
    fn windows_are_read_like_cron() {
        let table = [
            ("* * * * *", true),
            ("0 10 6 1 2", true),
            ("* 9-11 * * mon-fri", true),
            ("* * * * sat,sun", false),
            ("* 22-11 * * *", true),
            ("* 16-23 * * fri", false),
            ("*/15 * * jan tue", true),
            ("1-59 * * * *", false),
            ("* * * * fri-mon", false),
            ("* * * * sun-tue", true),
        ];
        for (window, expected) in table {
            assert_eq!(is_frozen(Some(window), None, NOW), expected, "{window}");
        }
        for window in ["* * * * 7", "* * * * 0", "* * * * sat-sun", "* * * * 6-7"] {
            assert!(
                is_frozen(Some(window), None, "2026-01-04T10:00:00Z"),
                "{window}"
            );
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* * * * funday",
            "*/0 * * * *",
            "a-b * * * *",
            "* * 0 * *",
        ] {
            assert!(calendar("UTC", Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn holidays_are_dates_hours_and_ranges() {
        let table = [
            ("2026-01-06", true),
            ("01-06", true),
            ("2025-01-06", false),
            ("12-24..01-06", true),
            ("12-24..01-05", false),
            ("2025-12-24..2026-01-06", true),
            ("01-07..01-09", false),
            ("2025-12-19T17:00..2026-01-06T10:01", true),
            ("2025-12-19T17:00..2026-01-06T10:00", false),
            ("2026-01-06T10:00..2026-01-06T11:00", true),
            ("2026-01-06T10:01..2026-01-07", false),
            ("12-19T17:00..01-06T10:30", true),
            ("12-19T17:00..01-06T09:30", false),
        ];
        for (holiday, expected) in table {
            assert_eq!(is_frozen(None, Some(holiday), NOW), expected, "{holiday}");
        }
        for bad in [
            "",
            "Christmas",
            "13-01",
            "2026-12-24..01-02",
            "1-2-3-4",
            "12-24T25:00..12-25",
            "2026-01-06T10:00",
        ] {
            assert!(calendar("UTC", None, Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_freeze_ends_when_no_entry_covers_the_time_any_more() {
        let end = |zone, window, holiday, now| {
            let calendar = calendar(zone, window, holiday).unwrap();
            let active = calendar.active(timestamp(now).unwrap());
            active[0].ends.map(|at| calendar.clock(at))
        };
        let saturday = "2026-01-03T12:00:00Z";
        assert_eq!(
            end("America/New_York", Some("* * * * sat,sun"), None, saturday).unwrap(),
            "2026-01-05 00:00"
        );
        let new_year = "2025-12-19T17:00..2026-01-02T09:00";
        assert_eq!(
            end("UTC", None, Some(new_year), "2025-12-31T23:59:30Z").unwrap(),
            "2026-01-02 09:00"
        );
        let both = end(
            "UTC",
            Some("* 9 * * *"),
            Some(new_year),
            "2026-01-02T08:59:00Z",
        );
        assert_eq!(both.unwrap(), "2026-01-02 10:00");
        assert_eq!(end("UTC", Some("* * * * *"), None, saturday), None);
    }
}
