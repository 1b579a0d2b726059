//! Uses up whatever there is: time, calls, memory, the stack, the output. Its setting `deed` says what.

#![allow(clippy::print_stdout, reason = "printing is one of the deeds")]
#![allow(
    clippy::unit_arg,
    reason = "what a step returns does not matter, only that it is asked for again"
)]
#![allow(
    unsafe_code,
    reason = "safe code cannot make two texts of one piece of memory"
)]

use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::time::Duration;

use contract::promote::policy::run_log::{self, Severity};
use contract::promote::policy::{env, github_propose, github_read, port_read};
use contract::{EntityKey, Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

const MIB: usize = 1 << 20;

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        match steps::deed(&request) {
            "loop" => forever(|| Ok(())),
            "clock" => forever(|| Ok(drop(env::now()))),
            "notes" => forever(|| Ok(run_log::note(Severity::Info, "still here"))),
            "long notes" => forever(|| Ok(run_log::note(Severity::Info, &"x".repeat(MIB)))),
            "files" => forever(|| steps::manifest().map(drop)),
            "missing files" => forever(|| {
                github_read::read_file(steps::REPOSITORY, "apps/web/prod/none.yaml", "main")
                    .map(drop)
            }),
            "drip" => forever(|| {
                env::sleep(1);
                steps::manifest().map(drop)
            }),
            "naps" => forever(|| Ok(env::sleep(3600))),
            "a long nap" => forever(|| Ok(env::sleep(u32::MAX))),
            "nap of the machine" => forever(|| Ok(std::thread::sleep(Duration::from_secs(3600)))),
            "print" => forever(|| Ok(println!("{}", "x".repeat(4096)))),
            "print and go on" => (0..2_560).for_each(|_| println!("{}", "x".repeat(4096))),
            "memory" => hoard(),
            "ask and go on" => drop(black_box(Vec::<u8>::new().try_reserve_exact(2_000 * MIB))),
            "recursion" => drop(black_box(sink(0))),
            deed => big_call(deed)?,
        }
        steps::refused("came back for more")
    }
}

/// The same without end, whatever comes of it.
fn forever(step: impl Fn() -> Result<(), Failure>) {
    loop {
        let _swallowed = black_box(step());
    }
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; MIB]);
        black_box(&hoard);
    }
}

#[expect(unconditional_recursion, reason = "that is the attack")]
fn sink(depth: u64) -> u64 {
    let here = [depth; 64];
    let deeper = sink(black_box(depth + 1));
    black_box(here)[deeper as usize % 64] + deeper
}

/// One call that is too much.
fn big_call(deed: &str) -> Result<(), Failure> {
    match deed {
        "a long text" => run_log::note(Severity::Info, &"x".repeat(20 * MIB)),
        // In JSON, each of these takes six bytes.
        "a text to escape" => run_log::note(Severity::Info, &"\u{1}".repeat(3 * MIB)),
        "a long list" => drop(port_read::get_entities(&vec![
            key("image", "web-1.4.1");
            400_000
        ])?),
        // 4 GiB for whoever copies it, 1 MiB for whoever does not.
        "one text many times" => {
            let text = "x".repeat(MIB);
            let same = || EntityKey {
                blueprint: alias(&text),
                identifier: alias(&text),
            };
            let keys: ManuallyDrop<Vec<EntityKey>> =
                ManuallyDrop::new((0..2048).map(|_| same()).collect());
            port_read::get_entities(&keys)?;
        }
        "labels" => {
            let pull = steps::propose_image()?;
            let labels = vec!["x".repeat(50); 100_000];
            github_propose::add_labels(steps::REPOSITORY, pull.number, &labels)?;
        }
        // Two texts without a line in common: what is compared naively is compared for hours.
        "a long file" => {
            let file = steps::manifest()?;
            let content: String = (0..300_000).map(|line| format!("{line}\n")).collect();
            steps::propose(&file, content)?;
        }
        "a deep query" => {
            let query = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
            port_read::search("image", &query)?;
        }
        _ => {}
    }
    Ok(())
}

fn key(blueprint: &str, identifier: &str) -> EntityKey {
    EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    }
}

/// The same memory as another text, which must never be freed.
fn alias(text: &str) -> String {
    // SAFETY: not sound, and that is the point: the owner keeps the memory, the callers forget the copies.
    unsafe { String::from_raw_parts(text.as_ptr().cast_mut(), text.len(), text.len()) }
}
