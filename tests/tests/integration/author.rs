//! The work of an author: to start a policy, build it, test it, compare it.

use std::path::{Path, PathBuf};

use promote_core::policy::{ComponentSurface, Policy};
use promote_tests::guests;
use serde_json::json;
use tokio::process::Command;

use crate::stage::{PROGRAM, ProgramEnd, ProgramStage};

/// The commands of the guide for Rust, in their order: its blocks for the shell that name no other language.
fn commands(guide: &str) -> String {
    let mut script = String::new();
    let mut is_meant = false;
    for line in guide.lines() {
        match line.strip_prefix("```") {
            Some(word) => is_meant = matches!(word, "sh" | "sh rust"),
            None if is_meant => script.extend([line, "\n"]),
            None => {}
        }
    }
    script
}

#[tokio::test]
async fn every_command_of_the_guide_to_rules_does_what_it_says() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/RULES.md");
    let script = commands(&std::fs::read_to_string(guide).unwrap());
    let stage = ProgramStage::sample().await;
    let ended = shell(&stage, &script).await;
    let ended = ended.expect(0);
    for said in [
        "2 would be stopped",
        "4 passed, 0 failed",
        "incidents: promote.toml, refuses, ",
    ] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
    let lock = stage.read("incidents/promote.lock");
    assert!(lock.contains("\"search incident/*\""), "{lock}");
}

/// A rule that crashes says so, and where.
#[tokio::test]
async fn a_rule_that_crashes_is_told_with_its_panic() {
    let script = r#"
promote new mine --rule --lang rust >/dev/null
cd mine
sed -i 's/^    match facts/    owner(facts);\n&/' src/rule.rs
printf '\nfn owner(facts: &Value) -> String {\n    facts["service"]["owner"].as_str().expect("an owner").to_owned()\n}\n' >>src/rule.rs
promote build
promote test scenarios/closed.toml
"#;
    let stage = ProgramStage::sample().await;
    let ended = shell(&stage, script).await;
    ended.expect(1);
    let place = "src/rule.rs:";
    assert!(
        ended.stdout.contains("an owner") && ended.stdout.contains(place),
        "{}",
        ended.stdout
    );
}

/// Cargo's folder for guests, where the standard library is built already.
fn target_dir() -> PathBuf {
    Path::new(guests::LIAR)
        .ancestors()
        .nth(4)
        .unwrap()
        .to_owned()
}

/// A shell with the program on its path and what cargo needs.
async fn shell(stage: &ProgramStage, script: &str) -> ProgramEnd {
    let bin = stage.write("bin", "");
    std::fs::remove_file(&bin).unwrap();
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(PROGRAM.as_str(), bin.join("promote")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("/usr/bin/env");
    command.arg(format!("PATH={}:{path}", bin.display()));
    command.arg(format!("CARGO_TARGET_DIR={}", target_dir().display()));
    for name in [
        "HOME",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "RUSTUP_AUTO_INSTALL",
        "CARGO",
    ] {
        if let Ok(value) = std::env::var(name) {
            command.arg(format!("{name}={value}"));
        }
    }
    command.args(["bash", "-euc", script]);
    stage
        .start(command, "")
        .end_within(std::time::Duration::from_secs(600))
        .await
}

#[tokio::test]
async fn every_command_of_the_guide_does_what_the_guide_says() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/GUIDE.md");
    let script = commands(&std::fs::read_to_string(guide).unwrap());
    assert!(
        script.contains("promote new") && script.contains("promote inspect"),
        "{script}"
    );
    let stage = ProgramStage::sample().await;
    let ended = shell(&stage, &script).await;
    ended.expect(0);
    ended
        .expect_said("5 passed, 0 failed")
        .expect_said("6 passed, 0 failed")
        .expect_said("0 broken");
    ended
        .expect_said("0 passed, 1 failed")
        .expect_said("expected  refused");
    ended
        .expect_said("tier      promote")
        .expect_said("gains no authority");
    ended.expect_said("+          image: ghcr.io/acme/web:1.4.2");
}

#[tokio::test]
async fn the_tools_of_a_project_are_given_no_credentials() {
    let script = r#"
promote new mine --lang js >/dev/null
mkdir tools
printf '#!/bin/sh\nenv\nexit 1\n' >tools/npm
chmod +x tools/npm
export PORT_CLIENT_ID=withheld PORT_CLIENT_SECRET=withheld GITHUB_TOKEN=withheld GH_TOKEN=withheld
export GITHUB_APP_PRIVATE_KEY=withheld PROMOTE_REGISTRY_PASSWORD=withheld UNRELATED=given
PATH="$PWD/tools:$PATH" promote build mine
"#;
    let stage = ProgramStage::sample().await;
    let ended = shell(&stage, script).await;
    assert_ne!(ended.code(), 0);
    // What a tool prints is shown only if it fails.
    ended.expect_said("UNRELATED=given");
    let said = format!("{}{}", ended.stderr, ended.stdout);
    assert!(!said.contains("=withheld"), "{said}");
}

#[tokio::test]
async fn a_gain_of_authority_is_named_and_can_be_denied() {
    let stage = ProgramStage::sample().await;
    let inspect = async |component: &str, against: &str, more: &[&str]| {
        stage
            .promote(&[&["inspect", component, "--against", against], more].concat())
            .await
    };
    let gain = inspect(guests::SMUGGLER, guests::OBSERVER, &["--deny-gain"]).await;
    gain.expect(1)
        .expect_said("gains github-propose.propose: commit to a branch of its own");
    gain.expect_said("tier propose, it was observe")
        .expect_said("could do what");
    let told = inspect(guests::SMUGGLER, guests::OBSERVER, &[]).await;
    told.expect(0).expect_said("gains github-propose.propose");
    let loss = inspect(guests::OBSERVER, "builtin", &["--deny-gain"]).await;
    loss.expect(0)
        .expect_said("gains no authority")
        .expect_said("loses github-merge.merge");
    let same = inspect("builtin", "builtin", &["--deny-gain", "--format", "json"]).await;
    let same = same.expect(0).json();
    assert_eq!(
        (&same["against"]["gained"], &same["against"]["lost"]),
        (&json!([]), &json!([]))
    );
    assert!(
        same["could"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["function"] == "github-merge.merge")
    );
    let lonely = stage.promote(&["inspect", "--deny-gain"]).await;
    lonely.expect(2).expect_said("--against");
    inspect("builtin", "promote.toml", &[])
        .await
        .expect(2)
        .expect_said("not WebAssembly");
}

#[tokio::test]
async fn a_bad_project_is_named_with_what_to_do() {
    let stage = ProgramStage::sample().await.with("PATH", "/nowhere");
    let new = async |arguments: &[&str]| stage.promote(&[&["new"], arguments].concat()).await;
    new(&["Freeze Fridays", "--lang", "js"])
        .await
        .expect(2)
        .expect_said("try `freeze-fridays`");
    new(&["mine", "--lang", "cobol"])
        .await
        .expect(2)
        .expect_said("rust, js, ts, python");
    let made = new(&["mine", "--lang", "js"]).await;
    made.expect(0).expect_said("the rules are in src/rules.js");
    new(&["mine", "--lang", "js"])
        .await
        .expect(2)
        .expect_said("mine exists already");
    stage
        .promote(&["build"])
        .await
        .expect(2)
        .expect_said("promote new NAME --lang rust");
    let missing = stage.promote(&["build", "mine"]).await;
    missing
        .expect(2)
        .expect_said("there is no `npm`")
        .expect_said("apt-get install nodejs npm");
}

/// What a component could ever do can be seen of one that nobody wants to compile, and is the same that its compiler sees.
#[test]
fn authority_is_read_without_compiling() {
    let engine = promote_core::policy::native::engine().unwrap();
    for guest in [guests::OBSERVER, guests::SMUGGLER, guests::BURGLAR] {
        let bytes = std::fs::read(guest).unwrap();
        let read = ComponentSurface::read(&bytes).unwrap();
        let compiled = Policy::compile(&engine, &bytes).unwrap().surface;
        assert_eq!(read, compiled, "{guest}");
        let bomb = crate::hostile::grafts::compile_bomb(700);
        let bomb = crate::hostile::grafts::graft(&bytes, &bomb, 0);
        assert_eq!(ComponentSurface::read(&bomb).unwrap(), compiled, "{guest}");
    }
    let functions = ComponentSurface::read(&std::fs::read(guests::SMUGGLER).unwrap())
        .unwrap()
        .functions;
    assert!(functions.contains(&("github-propose".to_owned(), "propose".to_owned())));
    assert!(
        functions
            .iter()
            .all(|(interface, _)| interface != "github-merge")
    );
}

/// The same source is the same component, wherever it lies: so anybody can build again what was reviewed.
#[tokio::test]
async fn two_builds_in_two_folders_have_one_digest() {
    let script = r#"
promote new mine --lang rust >/dev/null
mkdir -p some/where/else
cp -r mine some/where/else/mine
promote build mine --format json | grep sha256
promote build some/where/else/mine --format json | grep sha256
"#;
    let stage = ProgramStage::sample().await;
    let ended = shell(&stage, script).await;
    ended.expect(0);
    let sums: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(sums.len(), 2, "{}", ended.stdout);
    assert_eq!(sums[0], sums[1]);
    let built = std::fs::read(stage.path("mine/policy.wasm")).unwrap();
    no_place_of_this_machine(&built);
}

/// The built-in policy is the same in a release and in a build of one's own, for nothing in it says where it was built.
#[test]
fn the_built_in_policy_knows_no_place_of_this_machine() {
    no_place_of_this_machine(promote_intake::builtin::POLICY);
}

fn no_place_of_this_machine(component: &[u8]) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let home = std::env::var("HOME").unwrap_or_default();
    let mut places = vec![
        repository.display().to_string(),
        std::env::temp_dir().display().to_string() + "/.tmp",
        "/usr/lib/rustlib".to_owned(),
    ];
    places.extend((home.len() > 1).then(|| format!("{home}/")));
    for place in places {
        let is_there = component
            .windows(place.len())
            .any(|part| part == place.as_bytes());
        assert!(!is_there, "{place}");
    }
}

/// A trap has no words of its own; the names of functions say where it was.
#[tokio::test]
async fn a_crash_names_the_functions_that_led_to_it() {
    let script = r#"
promote new mine --lang rust >/dev/null
cd mine
sed -i 's/^    let mut reasons = Vec::new();/&\n    deep(std::hint::black_box(1));/' src/rules.rs
printf '\n#[inline(never)]\nfn deep(more: u64) -> u64 {\n    std::hint::black_box(more) + deep(more + 1) + deep(more + 2)\n}\n' >>src/rules.rs
promote build
! promote test scenarios/promotes.toml --journals kept
promote replay --component policy.wasm kept
"#;
    let stage = ProgramStage::sample().await;
    let ended = shell(&stage, script).await;
    ended.expect(0);
    let named = "at mine::rules::deep, ";
    assert_eq!(ended.stdout.matches(named).count(), 2, "{}", ended.stdout);
}
