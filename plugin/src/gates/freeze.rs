//! `freeze`: nobody promotes now. By the calendar, or by a file in the repository that stops the line.

use super::reason;
use crate::calendar::FreezeCalendar;
use crate::facts::Facts;
use crate::settings::Freeze;
use crate::time::UnixSeconds;
use crate::types::{Reason, ReasonCure};

/// Refuses while the freeze file names the service: who stops the line means everybody.
pub fn stopped_line(facts: &Facts, settings: &Freeze) -> Vec<Reason> {
    let list = facts.freeze_file.as_deref();
    let why = list.and_then(|list| stopped(list, &facts.service.key.identifier));
    why.map(|why| {
        let file = &settings.file;
        let message =
            format!("`{file}` stops the line: {why}; take the entry out when that is over");
        Reason {
            cure: ReasonCure::People,
            ..reason("freeze", message)
        }
    })
    .into_iter()
    .collect()
}

/// Refuses during a window and on a holiday. Named people and hotfixes pass.
pub fn check(facts: &Facts, settings: &Freeze) -> Vec<Reason> {
    let exempt = facts.is_hotfix
        || facts.actor.as_deref().is_some_and(|actor| {
            settings
                .exempt
                .iter()
                .any(|name| name.eq_ignore_ascii_case(actor))
        });
    if exempt || (settings.windows.is_empty() && settings.holidays.is_empty()) {
        return Vec::new();
    }
    let calendar = match FreezeCalendar::read(settings) {
        Ok(calendar) => calendar,
        Err(what) => return vec![reason("freeze", format!("setting `freeze.{what}`"))],
    };
    let Some(now) = facts.now else {
        return vec![reason(
            "freeze",
            "the time is not known, so the calendar cannot be asked",
        )];
    };
    let active = calendar.active(now).into_iter();
    active
        .map(|freeze| {
            let ends = match freeze.ends {
                Some(at) => format!("it ends at {}", calendar.clock(at)),
                None => "it does not end within 60 days".to_owned(),
            };
            reason(
                "freeze",
                format!(
                    "it is {} ({}), in the freeze {}: {ends}",
                    freeze.clock, settings.zone, freeze.entry
                ),
            )
        })
        .collect()
}

/// Returns a time as the clocks of the operator's zone show it, as the end of a sentence; nothing where that is UTC.
pub fn local_clock(at: UnixSeconds, settings: &Freeze) -> String {
    match FreezeCalendar::read(settings) {
        Ok(calendar) if settings.zone != "UTC" => {
            format!(" at {} ({})", calendar.clock(at), settings.zone)
        }
        _ => String::new(),
    }
}

/// Returns when the calendar is over that is asked now.
pub fn end(facts: &Facts, settings: &Freeze) -> Option<UnixSeconds> {
    let calendar = FreezeCalendar::read(settings).ok()?;
    calendar.active(facts.now?).first()?.ends
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

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
