//! Looks for everything outside its sandbox, and says what it saw. Not for sockets: the C library that Debian has for
//! this target knows none.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        let files = [
            "/",
            ".",
            "/etc/passwd",
            "promote.toml",
            "/proc/self/environ",
        ];
        let readable = files.iter().filter(|path| fs::metadata(path).is_ok());
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let start = Instant::now();
        let work: u64 = (0..5_000_000_u64).map(std::hint::black_box).sum();
        let saw = [
            ("variables", env::vars_os().count().to_string()),
            ("arguments", env::args_os().count().to_string()),
            ("files", readable.count().to_string()),
            ("writes", fs::write("seen.txt", "x").is_ok().to_string()),
            (
                "input",
                std::io::read_to_string(std::io::stdin()).unwrap_or_default(),
            ),
            (
                "time",
                since_epoch.unwrap_or_default().as_secs().to_string(),
            ),
            (
                "ticks",
                (start.elapsed() > Duration::ZERO && work > 0).to_string(),
            ),
            ("random", random()),
        ];
        let saw = saw.map(|(what, seen)| format!("{what}={seen}"));
        steps::refused(saw.join(" "))
    }
}

/// Two maps with their own keys each; equal surroundings give equal ones.
fn random() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{:016x}", RandomState::new().hash_one(1))
}
