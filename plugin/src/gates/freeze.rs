//! `freeze`: nobody promotes now. By the calendar, or by a file in the repository that stops the line.

use super::reason;
use crate::facts::Facts;
use crate::settings::Freeze;
use crate::time::{CivilTime, TimeZone};
use crate::types::Reason;

/// Refuses during a window, on a holiday, and while the freeze file names the service. Named people and hotfixes pass the
/// calendar, never the file: who stops the line means everybody.
pub fn check(facts: &Facts, settings: &Freeze) -> Vec<Reason> {
    let mut reasons: Vec<_> = facts
        .freeze_file
        .as_deref()
        .and_then(|list| stopped(list, &facts.service.key.identifier))
        .map(|why| {
            reason(
                "freeze",
                format!(
                    "`{}` stops the line: {why}; take the entry out when that is over",
                    settings.file
                ),
            )
        })
        .into_iter()
        .collect();
    let exempt = facts.is_hotfix
        || facts.actor.as_deref().is_some_and(|actor| {
            settings
                .exempt
                .iter()
                .any(|name| name.eq_ignore_ascii_case(actor))
        });
    if exempt || (settings.windows.is_empty() && settings.holidays.is_empty()) {
        return reasons;
    }
    match (TimeZone::parse(&settings.zone), facts.now) {
        (Ok(zone), Some(now)) => reasons.extend(calendar(&zone.civil(now), settings)),
        (Err(what), _) => reasons.push(reason("freeze", format!("setting `freeze.zone`: {what}"))),
        (_, None) => reasons.push(reason(
            "freeze",
            "the time is not known, so the calendar cannot be asked",
        )),
    }
    reasons
}

/// The entry of the freeze file for a service. A line is a service's identifier or `*`, then the reason; `#` begins a
/// comment.
fn stopped(list: &str, service: &str) -> Option<String> {
    let lines = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, why) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if name == "*" || name == service {
            let why = why.trim();
            return Some(if why.is_empty() {
                "no reason is given".to_owned()
            } else {
                why.to_owned()
            });
        }
    }
    None
}

fn calendar(now: &CivilTime, settings: &Freeze) -> Vec<Reason> {
    let clock = format!(
        "{}-{:02}-{:02} {:02}:{:02}",
        now.year, now.month, now.day, now.hour, now.minute
    );
    let frozen = |what: String| {
        reason(
            "freeze",
            format!("it is {clock} ({}), in the freeze {what}", settings.zone),
        )
    };
    let wrong =
        |setting: &str, what| reason("freeze", format!("setting `freeze.{setting}`: {what}"));
    let mut reasons = Vec::new();
    for window in &settings.windows {
        match in_window(now, window) {
            Ok(true) => reasons.push(frozen(format!("window `{window}`"))),
            Ok(false) => {}
            Err(what) => reasons.push(wrong("windows", what)),
        }
    }
    for holiday in &settings.holidays {
        match on_holiday(now, holiday) {
            Ok(true) => reasons.push(frozen(format!("of `{holiday}`"))),
            Ok(false) => {}
            Err(what) => reasons.push(wrong("holidays", what)),
        }
    }
    reasons
}

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Whether every field of `minute hour day month weekday` admits the time; unlike cron's, day and weekday must both fit.
fn in_window(now: &CivilTime, window: &str) -> Result<bool, String> {
    let fields: Vec<_> = window.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields[..] else {
        return Err(format!(
            "`{window}` has not the five fields minute, hour, day, month, weekday"
        ));
    };
    let table: [(&str, u32, u32, u32, &[&str]); 5] = [
        (minute, now.minute, 0, 59, &[]),
        (hour, now.hour, 0, 23, &[]),
        (day, now.day, 1, 31, &[]),
        (month, now.month, 1, 12, &MONTHS),
        (weekday, now.weekday, 0, 7, &WEEKDAYS),
    ];
    let mut all = true;
    for (field, value, least, most, names) in table {
        let fits = admits(field, value, least, most, names);
        all &= fits.ok_or_else(|| {
            format!("`{field}` in `{window}` is not `*`, a number, a range or a list of these")
        })?;
    }
    Ok(all)
}

/// Whether a field admits a value; none if the field is malformed. 7 is Sunday as well.
fn admits(field: &str, value: u32, least: u32, most: u32, names: &[&str]) -> Option<bool> {
    let number = |text: &str| {
        let name = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text))
            .map(|at| at as u32 + least);
        name.or_else(|| text.parse().ok())
            .filter(|n| (least..=most).contains(n))
    };
    let mut any = false;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(range)?, number(range)?),
        };
        let steps = |value: u32, base: u32| (value - base).is_multiple_of(step);
        let inside = |value: u32| {
            if first <= last {
                (first..=last).contains(&value) && steps(value, first)
            } else {
                // `fri-mon`, `22-5`: over the end of the week or the day.
                (value >= first || value <= last)
                    && steps(value + if value < first { most + 1 } else { 0 }, first)
            }
        };
        any |= inside(value) || (most == 7 && value == 0 && inside(7));
    }
    Some(any)
}

/// Whether a date fits `2026-12-25`, `12-25` (every year) or a range of either, `12-24..01-02`.
fn on_holiday(now: &CivilTime, holiday: &str) -> Result<bool, String> {
    let (first, last) = holiday.split_once("..").unwrap_or((holiday, holiday));
    let parse = |text: &str| -> Option<(Option<i64>, u32)> {
        let parts: Vec<_> = text.trim().split('-').collect();
        let (year, month, day) = match parts[..] {
            [month, day] => (None, month, day),
            [year, month, day] => (Some(year.parse().ok()?), month, day),
            _ => return None,
        };
        let (month, day): (u32, u32) = (month.parse().ok()?, day.parse().ok()?);
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month * 100 + day))
    };
    let today = now.month * 100 + now.day;
    match (parse(first), parse(last)) {
        (Some((None, first)), Some((None, last))) if first <= last => {
            Ok((first..=last).contains(&today))
        }
        (Some((None, first)), Some((None, last))) => Ok(today >= first || today <= last),
        (Some((Some(a), first)), Some((Some(b), last))) => {
            Ok(((a, first)..=(b, last)).contains(&(now.year, today)))
        }
        _ => Err(format!(
            "`{holiday}` is not a date like `2026-12-25`, `12-25`, or a range `12-24..01-02`"
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A Tuesday.
    const NOW: CivilTime = CivilTime {
        year: 2026,
        month: 1,
        day: 6,
        hour: 10,
        minute: 0,
        weekday: 2,
    };

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
            assert_eq!(in_window(&NOW, window), Ok(expected), "{window}");
        }
        let sunday = CivilTime { weekday: 0, ..NOW };
        for window in ["* * * * 7", "* * * * 0", "* * * * sat-sun", "* * * * 6-7"] {
            assert_eq!(in_window(&sunday, window), Ok(true), "{window}");
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
            assert!(in_window(&NOW, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn holidays_are_dates_and_ranges() {
        let table = [
            ("2026-01-06", true),
            ("01-06", true),
            ("2025-01-06", false),
            ("12-24..01-06", true),
            ("12-24..01-05", false),
            ("2025-12-24..2026-01-06", true),
            ("01-07..01-09", false),
        ];
        for (holiday, expected) in table {
            assert_eq!(on_holiday(&NOW, holiday), Ok(expected), "{holiday}");
        }
        for bad in ["", "Christmas", "13-01", "2026-12-24..01-02", "1-2-3-4"] {
            assert!(on_holiday(&NOW, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_freeze_file_names_services_or_everything() {
        let list = "# stop the line\n\nshop  database migration # until noon\nweb\n";
        assert_eq!(stopped(list, "shop").unwrap(), "database migration");
        assert_eq!(stopped(list, "web").unwrap(), "no reason is given");
        assert_eq!(stopped(list, "we"), None);
        assert_eq!(stopped("* incident 7", "any").unwrap(), "incident 7");
        assert_eq!(stopped("", "web"), None);
    }
}
