//! Ends in every way but the right one. Its setting `deed` says how, `text` after which step of a promotion.

#![allow(unsafe_code, reason = "safe code cannot make a text that is none")]
#![allow(clippy::exit, reason = "one of the ways")]

use contract::promote::policy::run_log::{self, Severity};
use contract::promote::policy::types::{Awaited, Promotion as Promoted, Waiting};
use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let order: serde_json::Value = serde_json::from_str(&request.settings).unwrap_or_default();
        let set = |name: &str| order[name].as_str().unwrap_or_default();
        go_as_far_as(set("text"))?;
        match set("deed") {
            "panic" => panic!("out of cheese"),
            "abort" => std::process::abort(),
            "exit 0" => std::process::exit(0),
            "exit 1" => std::process::exit(1),
            "not utf-8" => run_log::note(Severity::Info, &text(&[b'a', 0xff, 0xfe])),
            "overlong" => run_log::note(Severity::Info, &text(&[0xc0, 0xaf])),
            "surrogate" => run_log::note(Severity::Info, &text(&[0xed, 0xa0, 0x80])),
            "cut" => run_log::note(Severity::Info, &text(&[0xe2, 0x82])),
            "outside" => run_log::note(Severity::Info, outside()),
            "not utf-8 at the end" => return steps::refused(text(&[0xff])),
            "lie promoted" => return steps::promoted("ghcr.io/acme/web:1.4.2"),
            "lie other" => return steps::promoted("ghcr.io/acme/web:6.6.6"),
            "lie waiting" => return Ok(Outcome::Waiting(waiting())),
            "lie unchanged" => return Ok(Outcome::Unchanged(unchanged())),
            "no reason" => return Ok(Outcome::Refused(Vec::new())),
            "gives up" => return Err(Failure::Other("gave up".to_owned())),
            "claims a denial" => return Err(Failure::Denied("by itself".to_owned())),
            _ => {}
        }
        steps::refused("is still there")
    }
}

/// The steps of a promotion, up to this one.
fn go_as_far_as(last: &str) -> Result<(), Failure> {
    let Some(last) = ["read", "propose", "merge", "record"]
        .iter()
        .position(|step| *step == last)
    else {
        return Ok(());
    };
    steps::manifest()?;
    if last == 0 {
        return Ok(());
    }
    let pull = steps::propose_image()?;
    if last >= 2 {
        steps::merge(&pull)?;
    }
    if last >= 3 {
        steps::look_up("web-1.4.2")?;
        steps::record("web-1.4.2")?;
    }
    Ok(())
}

fn waiting() -> Waiting {
    Waiting {
        image: Some("ghcr.io/acme/web:1.4.2".to_owned()),
        awaited: Awaited::Review,
        message: "the cows to come home".to_owned(),
        until: None,
        pull_request: Some(4711),
    }
}

fn unchanged() -> Promoted {
    Promoted {
        image: "ghcr.io/acme/web:1.4.2".to_owned(),
        previous_image: None,
        pull_request: None,
        commit: None,
        is_rollback: false,
    }
}

/// A text of any bytes.
fn text(bytes: &[u8]) -> String {
    // SAFETY: not sound, and that is the point: what the host does about it is what is tested.
    unsafe { String::from_utf8_unchecked(bytes.to_vec()) }
}

/// A text that lies beyond the memory.
fn outside() -> &'static str {
    // SAFETY: as above; it is never read here.
    unsafe {
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(
            0xffff_0000_usize as *const u8,
            0x8000,
        ))
    }
}
