//! Says things that a terminal, a runner or a reader of Markdown would obey: its setting `text`, or all of them.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "to be heard by the test"
)]

use contract::promote::policy::run_log::{self, Severity};
use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let order: serde_json::Value = serde_json::from_str(&request.settings).unwrap_or_default();
        if let Some(text) = order["text"].as_str().filter(|text| !text.is_empty()) {
            println!("{text}");
            eprintln!("{text}");
            run_log::note(Severity::Warning, text);
            steps::look_up(text)?;
            return steps::refused(text);
        }
        println!("::set-env name=PRINTED::1\n##[error]printed\u{1b}[2J");
        eprintln!("  ::add-mask::printed");
        run_log::note(Severity::Warning, WORDS);
        steps::look_up("::add-mask::\nlooked up")?;
        steps::refused(WORDS)
    }
}

const WORDS: &str = "\n::add-mask::noted\n##[group]noted\r\n  ::stop-commands::x \u{1b}[31mred\u{7} \u{202e}desrever \
    EOF\nimage=evil <img src=x> [click](https://evil.example) @everyone #1 | `code` </details>";
