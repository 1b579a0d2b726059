//! `promote log`: what the journals of many runs tell, in words, JSON and one page.

use std::fmt::Write as _;

use promote_core::journal::chain;
use promote_core::journal::record::JournalLine;
use promote_mock::World;
use promote_mock::sample::RUN;
use promote_tests::bench::TestRun;
use promote_tests::guests;
use promote_tests::settings::SampleConfig;

use crate::exit_codes::locked;
use crate::stage::ProgramStage;

/// The same journal, written for another run of Port.
fn of_another_run(journal: &str) -> String {
    let mut sum = String::new();
    let mut written = String::new();
    for (line, number) in journal.lines().zip(1..) {
        let entry = JournalLine::parse(line).unwrap().entry;
        let entry = entry.replace(RUN, "r_Another000000001");
        sum = chain(&sum, number, &entry);
        let _ = writeln!(
            written,
            "{{\"line\":{number},\"sum\":\"{sum}\",\"is\":{entry}}}"
        );
    }
    written
}

/// A stage with the journals of a promotion, a refusal, a violation, and one that was cut and one that was edited.
async fn with_journals() -> ProgramStage {
    let stage = ProgramStage::sample().await;
    let promoted = TestRun::builtin().run().await.journal;
    let refused = TestRun::builtin().world(locked()).run().await.journal;
    let violation = TestRun::guest(guests::UNGRANTED).run().await.journal;
    std::fs::create_dir(stage.path("journals")).unwrap();
    let half = &promoted[..promoted.len() / 2];
    for (name, text) in [
        ("promoted", promoted.clone()),
        ("another", of_another_run(&promoted)),
        ("cut", half.to_owned()),
        ("refused", refused),
        ("violation", violation),
        ("edited", promoted.replacen("web-1.4.2", "web-6.6.6", 1)),
    ] {
        stage.write(&format!("journals/{name}.jsonl"), &text);
    }
    stage
}

#[tokio::test]
async fn the_runs_of_one_run_of_port_are_one_promotion() {
    let stage = with_journals().await;
    let listed = stage
        .promote(&["log", "journals", "--format", "json"])
        .await;
    let listed = listed.expect(1).json();
    assert_eq!(listed["format"], 1);
    assert_eq!(listed["damaged"].as_array().unwrap().len(), 1);
    let [one, other] = listed["promotions"].as_array().unwrap().as_slice() else {
        panic!("these are two runs of Port: {listed:#}");
    };
    let [one, other] = [one, other].map(|promotion| {
        assert_eq!(promotion["entity"], "web");
        promotion["runs"].as_array().unwrap().len()
    });
    assert_eq!((one.max(other), one.min(other)), (4, 1));
}

#[tokio::test]
async fn the_journal_of_a_resume_names_the_one_before() {
    let text = SampleConfig::default()
        .text()
        .replace("[policy.settings]", "[policy.settings]\napprovals = {}");
    let stage = ProgramStage::sample()
        .await
        .settings(&SampleConfig::read(&text));
    {
        let mut world = stage.world.lock();
        let gitops = world.github.find_mut("acme/gitops").unwrap();
        gitops.collaborators.insert("kim".to_owned());
    }
    std::fs::create_dir(stage.path("journals")).unwrap();
    stage
        .run(&["--journal", "journals/first.jsonl"])
        .await
        .expect(0)
        .expect_said("waits for");
    stage.world.lock().github.approve("acme/gitops", 1, "kim");
    stage
        .promote(&["resume", "--journals", "journals"])
        .await
        .expect(0);
    let listed = stage
        .promote(&["log", "journals", "--format", "json"])
        .await;
    let listed = listed.expect(0).json();
    let promotion = &listed["promotions"][0];
    let runs = promotion["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{promotion:#}");
    assert!(runs[0]["earlier"].is_null(), "{promotion:#}");
    assert_eq!(runs[0]["sum"].as_str().map(str::len), Some(64));
    assert_eq!(runs[1]["earlier"], runs[0]["sum"], "{promotion:#}");
    assert_eq!(promotion["approved-by"][0], "kim (acme/gitops#1)");
}

#[tokio::test]
async fn the_log_of_a_run_can_be_json_lines() {
    let stage = ProgramStage::sample().await;
    let ended = stage.run(&["--log-format", "json"]).await;
    ended.expect(0);
    let lines: Vec<serde_json::Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is no JSON")))
        .collect();
    let merged = lines.iter().find(|line| line["call"] == "merge").unwrap();
    assert_eq!(merged["level"], "info");
    assert!(merged["took-ms"].is_u64() && merged["problem"].is_null());
    assert!(lines.iter().all(|line| line["at"].is_string()));
}

#[tokio::test]
async fn a_promotion_is_told_with_who_what_and_how_it_went() {
    let stage = ProgramStage::sample().await;
    let promoted = TestRun::builtin().run().await.journal;
    stage.write("run.jsonl", &promoted);
    stage
        .promote(&["log", "run.jsonl"])
        .await
        .expect(0)
        .expect_said(
            "service/web: promoted ghcr.io/acme/web:1.4.2 in place of ghcr.io/acme/web:1.4.1",
        )
        .expect_said("1 promotion: 1 promoted");
    let json = stage
        .promote(&["log", "run.jsonl", "--format", "json"])
        .await;
    let json = json.expect(0).json();
    let promotion = &json["promotions"][0];
    assert_eq!(promotion["image"], "ghcr.io/acme/web:1.4.2");
    assert_eq!(promotion["previous-image"], "ghcr.io/acme/web:1.4.1");
    assert_eq!(promotion["pull-request"], 1);
    let steps = promotion["runs"][0]["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["write"] == true));
    for (arguments, said) in [
        (["--entity", "payments"], "0 promotions"),
        (["--outcome", "refused"], "0 promotions"),
        (["--since", "2026-01-07"], "0 promotions"),
        (["--since", "2026-01-06"], "1 promotion:"),
        (["--entity", "web"], "1 promotion:"),
    ] {
        let arguments = [&["log", "run.jsonl"], &arguments[..]].concat();
        stage.promote(&arguments).await.expect(0).expect_said(said);
    }
    stage
        .promote(&["log", "run.jsonl", "--since", "yesterday"])
        .await
        .expect(2)
        .expect_said("2026-01-31");
}

#[tokio::test]
async fn the_page_opens_into_timelines_and_obeys_nobody() {
    let stage = ProgramStage::sample().await;
    let mut world = World::sample();
    let key = ("service".to_owned(), "web".to_owned());
    let service = &mut world.port.entities.get_mut(&key).unwrap().properties;
    let evil = "<script>alert(1)</script>";
    service.insert("locked_in_prod".to_owned(), true.into());
    service.insert("locked_reason_prod".to_owned(), evil.into());
    stage.write(
        "run.jsonl",
        &TestRun::builtin().world(world).run().await.journal,
    );
    let shown = stage
        .promote(&["log", "run.jsonl", "--format", "html"])
        .await;
    shown
        .expect(0)
        .expect_said("<details class=\"card refused\">");
    let page = &shown.stdout;
    assert!(
        page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"),
        "{page}"
    );
    assert!(page.contains("default-src 'none'"));
    assert!(page.trim_end().ends_with("</html>"));
}
