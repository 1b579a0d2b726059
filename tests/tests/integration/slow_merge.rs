//! A policy that leaves people time between its proposal and its merge: what they change meanwhile is seen before the merge.

use std::path::{Path, PathBuf};

use promote_kit::scenario::{Scenario, ScenarioRunner};
use promote_tests::guests;

const RETARGETED: &str = r#"
[[given.github.repositories]]
name = "acme/gitops"
[[given.github.repositories.branches]]
name = "release"
message = "Release"
files = { "README.md" = "release\n" }

[[given.events]]
after = "500ms"
then = { retarget = { repository = "acme/gitops", base = "release" } }

[config.policy]
component = "careless"
settings = { deed = "slow" }

[expect]
outcome = "failed"
exit = 3
includes = ["propose", "sleep", "merge: conflict"]
pulls = ["open"]
diff = {}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_that_was_pointed_elsewhere_meanwhile_is_not_merged_there() {
    let named = [("careless".to_owned(), PathBuf::from(guests::CARELESS))];
    let runner = ScenarioRunner::new(named.into()).unwrap();
    let scenario = Scenario::parse(RETARGETED, Path::new("slow-merge.toml")).unwrap();
    let report = runner.test(&scenario, true).await.unwrap();
    assert!(report.passed(), "{:#?}", report.problems);
}
