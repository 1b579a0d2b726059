//! Time, calls, memory, the machine, and every way to fall over.

use promote_tests::guests::{FALLER, FLOODER, FUGITIVE, GLUTTON, STILLBORN};

use super::{ChangeReach, HostileCase};

pub(super) fn cases() -> Vec<HostileCase> {
    [endless(), too_much(), outside(), traps(), not_text()]
        .into_iter()
        .flatten()
        .collect()
}

fn endless() -> Vec<HostileCase> {
    let at = |class, deed, limits, said| {
        HostileCase::of(class, GLUTTON, deed, "limit", said).limits(limits)
    };
    let wall = "limit of 3s of time; raise `limits.wall`";
    vec![
        // Long enough for a busy machine to get as far as the policy.
        at(
            "endless loop",
            "loop",
            "wall = \"8s\"",
            "limit of 8s of time; raise `limits.wall`",
        ),
        at(
            "endless calls",
            "clock",
            "calls = 20",
            "limit of 20 calls; raise `limits.calls`",
        ),
        at(
            "endless calls",
            "files",
            "traffic = \"64KiB\"",
            "raise `limits.traffic`",
        ),
        at(
            "endless calls",
            "missing files",
            "calls = 10",
            "raise `limits.calls`",
        ),
        at(
            "endless logging",
            "notes",
            "writes = 3",
            "limit of 3 writes; raise `limits.writes`",
        ),
        at(
            "endless logging",
            "long notes",
            "traffic = \"2MiB\"",
            "raise `limits.traffic`",
        ),
        at(
            "endless printing",
            "print",
            "wall = \"8s\"",
            "limit of 8s of time",
        ),
        HostileCase::of(
            "endless printing",
            GLUTTON,
            "print and go on",
            "refused",
            "came back for more",
        ),
        at("slow calls", "drip", "wall = \"3s\"", wall),
        at("slow calls", "naps", "wall = \"3s\"", wall),
        at("slow calls", "a long nap", "wall = \"3s\"", wall),
        at("slow calls", "nap of the machine", "wall = \"3s\"", wall),
    ]
}

fn too_much() -> Vec<HostileCase> {
    let at = |class, deed, said| HostileCase::of(class, GLUTTON, deed, "limit", said);
    let traffic = "bytes in calls and answers; raise `limits.traffic`";
    vec![
        at(
            "memory bomb",
            "memory",
            "limit of 67108864 bytes of memory; raise `limits.memory`",
        ),
        at("memory bomb", "memory", "limit of 4194304 bytes of memory").limits("memory = \"4MiB\""),
        HostileCase::of(
            "memory bomb",
            GLUTTON,
            "ask and go on",
            "refused",
            "came back for more",
        ),
        HostileCase::of(
            "deep recursion",
            GLUTTON,
            "recursion",
            "trapped",
            "the policy crashed",
        ),
        at("huge text", "a long text", traffic),
        at("huge text", "a text to escape", traffic).limits("traffic = \"4MiB\""),
        at("huge list", "a long list", traffic),
        at("huge list", "one text many times", traffic),
        at("huge list", "labels", traffic)
            .limits("traffic = \"1MiB\"")
            .leaves(ChangeReach::Proposal),
        HostileCase::of(
            "huge file",
            GLUTTON,
            "a long file",
            "violation",
            "lines instead of",
        ),
        HostileCase::of(
            "deep nesting",
            GLUTTON,
            "a deep query",
            "violation",
            "port.search on image/* is not granted",
        ),
    ]
}

/// WASI is there, and empty.
fn outside() -> Vec<HostileCase> {
    let out = |class, deed, said| HostileCase::of(class, FUGITIVE, deed, "refused", said);
    let file = |deed| out("WASI files", deed, "got no: Os");
    vec![
        file("read a file"),
        file("read the configuration"),
        file("read the processes"),
        file("climb"),
        file("list a folder"),
        file("write a file"),
        file("make a folder"),
        file("remove a file"),
        out("WASI environment", "variables", "got 0 variables"),
        out("WASI environment", "arguments", "got 0 arguments"),
        out("WASI environment", "input", "got \"\""),
        out("WASI sockets", "tcp", "got no: "),
        out("WASI sockets", "udp", "got no: "),
        out("WASI sockets", "names", "got no: "),
        HostileCase::of(
            "WASI handles",
            FUGITIVE,
            "randomness",
            "trapped",
            "the policy crashed",
        ),
        HostileCase::of(
            "WASI handles",
            FUGITIVE,
            "handles",
            "trapped",
            "the policy crashed",
        ),
    ]
}

fn traps() -> Vec<HostileCase> {
    let trap = |deed, step, left| {
        HostileCase::of("a trap", FALLER, deed, "trapped", "the policy crashed")
            .text(step)
            .leaves(left)
    };
    vec![
        // It crashes already when it is asked for its settings, before any service is.
        HostileCase::of(
            "a trap",
            STILLBORN,
            "at the start",
            "unusable",
            "the policy does not describe itself",
        )
        .leaves(ChangeReach::NoRequest),
        HostileCase::of(
            "a flood of patterns",
            FLOODER,
            "2,000 of them",
            "unusable",
            "the pattern",
        )
        .leaves(ChangeReach::NoRequest),
        trap("panic", "at once", ChangeReach::Nothing),
        trap("panic", "read", ChangeReach::Nothing),
        trap("panic", "propose", ChangeReach::Proposal),
        trap("panic", "merge", ChangeReach::Merge),
        trap("panic", "record", ChangeReach::Everything),
        trap("abort", "propose", ChangeReach::Proposal),
        trap("exit 0", "at once", ChangeReach::Nothing),
        trap("exit 0", "merge", ChangeReach::Merge),
        trap("exit 1", "record", ChangeReach::Everything),
    ]
}

fn not_text() -> Vec<HostileCase> {
    let bytes = |deed| HostileCase::of("not UTF-8", FALLER, deed, "trapped", "the policy crashed");
    vec![
        bytes("not utf-8"),
        bytes("overlong"),
        bytes("surrogate"),
        bytes("cut"),
        bytes("not utf-8 at the end"),
        bytes("outside"),
    ]
}
