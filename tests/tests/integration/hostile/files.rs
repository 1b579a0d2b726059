//! Files that are no policy, or not the one that they seem to be. None of them runs, and no service is asked.

use promote_core::policy::Policy;
use promote_tests::guests::{BURGLAR, OBSERVER, SMUGGLER};

use super::grafts::{self, graft};
use super::{ChangeReach, HostileCase, HostileComponent};

/// Magic, version and layer of a component (component model, Binary.md).
const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

pub(super) fn cases() -> Vec<HostileCase> {
    let mut cases = broken();
    cases.extend(exchanged());
    cases.extend(tiers());
    cases.extend(grafted());
    cases
}

fn file(
    class: &'static str,
    what: &str,
    component: HostileComponent,
    said: &'static str,
) -> HostileCase {
    let case =
        HostileCase::of(class, OBSERVER, "", "unusable", said).leaves(ChangeReach::NoRequest);
    HostileCase {
        what: what.to_owned(),
        component,
        ..case
    }
}

fn bytes(
    class: &'static str,
    what: &str,
    bytes: impl Into<Vec<u8>>,
    said: &'static str,
) -> HostileCase {
    file(class, what, HostileComponent::Bytes(bytes.into()), said)
}

fn observer() -> Vec<u8> {
    std::fs::read(OBSERVER).unwrap()
}

fn broken() -> Vec<HostileCase> {
    let whole = observer();
    let engine = promote_core::policy::native::engine().unwrap();
    let precompiled = Policy::compile(&engine, &whole)
        .unwrap()
        .program
        .component()
        .serialize()
        .unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 64]
        .iter_mut()
        .for_each(|byte| *byte ^= 0x55);
    let invalid = "not a valid component";
    let too_large = "larger than a component may be";
    vec![
        bytes("no component", "an empty file", [], "the file is empty"),
        bytes(
            "no component",
            "text",
            "(component)",
            "this is not WebAssembly",
        ),
        bytes(
            "no component",
            "a core module",
            *b"\0asm\x01\0\0\0",
            "a core WebAssembly module",
        ),
        bytes(
            "no component",
            "the header alone",
            HEADER,
            "does not export",
        ),
        bytes(
            "no component",
            "a header and zeros",
            [HEADER, &[0; 1 << 20]].concat(),
            invalid,
        ),
        bytes(
            "no component",
            "100 MB of zeros",
            vec![0; 100_000_000],
            too_large,
        ),
        bytes(
            "no component",
            "a header and 100 MB",
            [HEADER, &vec![0; 100_000_000]].concat(),
            too_large,
        ),
        bytes(
            "no component",
            "half a component",
            &whole[..whole.len() / 2],
            invalid,
        ),
        bytes(
            "no component",
            "all but the last byte",
            &whole[..whole.len() - 1],
            invalid,
        ),
        bytes(
            "no component",
            "a component and more",
            [&whole[..], b"more"].concat(),
            invalid,
        ),
        bytes("no component", "64 bytes flipped", flipped, ""),
        bytes(
            "precompiled",
            "by the same wasmtime",
            precompiled.clone(),
            "native code",
        ),
        bytes(
            "precompiled",
            "under a component's header",
            [HEADER, &precompiled].concat(),
            invalid,
        ),
        file(
            "no component",
            "no such file",
            HostileComponent::Path("none.wasm"),
            "reading the policy none.wasm",
        ),
        file(
            "no component",
            "a folder",
            HostileComponent::Path("."),
            "reading the policy .",
        ),
        file(
            "no component",
            "a file without end",
            HostileComponent::Path("/dev/zero"),
            "this is not WebAssembly",
        ),
    ]
}

/// A component in which one name was exchanged for another of the same length.
fn renamed(guest: &str, old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut bytes = std::fs::read(guest).unwrap();
    let places: Vec<usize> = bytes
        .windows(old.len())
        .enumerate()
        .filter(|(_, w)| *w == old.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "{old} is not in {guest}");
    for at in places {
        bytes[at..at + old.len()].copy_from_slice(new.as_bytes());
    }
    bytes
}

fn exchanged() -> Vec<HostileCase> {
    let renamed = |class, guest, old, new, said| {
        bytes(
            class,
            &format!("{old} → {new}"),
            renamed(guest, old, new),
            said,
        )
    };
    let version = "which this host does not offer (it serves promote:policy@0.1.0";
    vec![
        renamed("contract version", OBSERVER, "@0.1.0", "@0.2.0", version),
        renamed("contract version", OBSERVER, "@0.1.0", "@1.1.0", version),
        renamed("contract version", OBSERVER, "@0.1.0", "@0.0.1", version),
        renamed(
            "foreign imports",
            BURGLAR,
            "policy/github-merge@",
            "policy/github-admin@",
            version,
        ),
        renamed(
            "foreign imports",
            BURGLAR,
            "merge-when-ready",
            "merge-when-risky",
            "another contract",
        ),
        renamed(
            "foreign imports",
            SMUGGLER,
            "wasi:cli/environment@",
            "wasi:cli/enwironment@",
            "another contract",
        ),
        renamed(
            "foreign imports",
            SMUGGLER,
            "wasi:cli/environment@",
            "evil:cli/environment@",
            version,
        ),
        renamed(
            "no policy",
            OBSERVER,
            "policy/promotion@",
            "policy/promotiom@",
            "does not export",
        ),
        renamed(
            "no policy",
            OBSERVER,
            "policy/about@",
            "policy/avout@",
            "does not export",
        ),
    ]
}

/// Returns components that could do more than the operator wants any policy to do.
fn tiers() -> Vec<HostileCase> {
    let beyond = |guest, what: &str, tier, said| HostileCase {
        tier,
        ..file("beyond its tier", what, HostileComponent::Path(guest), said)
    };
    vec![
        beyond(
            BURGLAR,
            "promote, where observe is allowed",
            "observe",
            "imports github-merge",
        ),
        beyond(
            BURGLAR,
            "promote, where propose is allowed",
            "propose",
            "imports github-merge",
        ),
        beyond(
            SMUGGLER,
            "propose, where observe is allowed",
            "observe",
            "imports github-propose",
        ),
    ]
}

/// Returns components that are policies, with a module that takes more than its bytes show.
fn grafted() -> Vec<HostileCase> {
    let with = |class, what: &str, module: &[u8], instances, said| {
        bytes(class, what, graft(&observer(), module, instances), said)
    };
    let bomb = |what, limits, said| HostileCase {
        limits,
        ..with("compile bomb", what, &grafts::compile_bomb(700), 0, said)
    };
    vec![
        bomb(
            "2 s to compile it",
            "compile = { time = \"2s\" }",
            "compiling it took more than 2s; raise `limits.compile.time`",
        ),
        bomb(
            "64 MiB to compile it",
            "compile = { memory = \"64MiB\" }",
            "bytes of memory; raise `limits.compile.memory`",
        ),
        with(
            "memory graft",
            "4,000 globals in 150 instances",
            &grafts::globals(4_000),
            150,
            "globals and functions in all",
        ),
        with(
            "memory graft",
            "100,000 functions in 100 instances",
            &grafts::functions(100_000),
            100,
            "globals and functions in all",
        ),
        with(
            "memory graft",
            "500 instances of nothing",
            &grafts::globals(0),
            500,
            "instances of core modules, and a policy may have 200",
        ),
        with(
            "memory graft",
            "9,900 tables in 100 instances",
            &grafts::tables(99),
            100,
            "table count too high",
        ),
    ]
}
