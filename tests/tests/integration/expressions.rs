//! Expressions in `[[rule]]`: what is wrong with one is said before any service is asked.

use promote_tests::settings::SampleConfig;

use crate::stage::ProgramStage;

#[tokio::test]
async fn a_wrong_expression_ends_before_any_service_is_asked() {
    let stage = ProgramStage::sample().await;
    let cases = [
        (
            "deny = \"servce.identifier == 'web'\"\nmessage = \"no\"",
            "[[rule]] own: `deny`: there is no `servce`; did you mean `service`?",
        ),
        (
            "deny = \"size(service.teams)\"\nmessage = \"no\"",
            "`deny` is an integer, and must be a boolean",
        ),
        (
            "deny = \"true\"\nmessage = \"{service.nme}\"",
            "`message`: `{service.nme}`: `service` has no `nme`",
        ),
        (
            "deny = \"true\"\nmessage = \"no\"\nneeds.a = { serch = \"incident\" }",
            "`needs.a.serch` is unknown; did you mean `search`?",
        ),
    ];
    for (at, (rule, said)) in cases.into_iter().enumerate() {
        let file = format!("{at}.toml");
        let config = SampleConfig::default().text();
        stage.write(
            &file,
            &format!("[[rule]]\nname = \"own\"\n{rule}\n\n{config}"),
        );
        let ended = stage
            .promote(&["run", "--payload", "payload.json", "--config", &file])
            .await;
        ended.expect(2).expect_said(said);
    }
    assert_eq!(stage.witness.requests(), 0, "no service is asked");
}

/// Every third of 300 recorded promotions is of a service without a team, and every seventh of one that is locked.
#[tokio::test]
async fn a_new_rule_stops_the_right_ones_of_300_recorded_promotions() {
    let stage = ProgramStage::sample().await;
    std::fs::create_dir(stage.path("scenarios")).unwrap();
    for number in 0..300 {
        let (has_team, is_locked) = (number % 3 > 0, number % 7 == 0);
        let team = if has_team { "\"shop\"" } else { "" };
        let outcome = if is_locked { "refused" } else { "promoted" };
        let text = format!(
            "title = \"run {number}\"\n[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"web\"\n\
             team = [{team}]\nproperties = {{ locked_in_prod = {is_locked} }}\n[expect]\noutcome = \"{outcome}\"\n"
        );
        stage.write(&format!("scenarios/{number:03}.toml"), &text);
    }
    let kept = stage
        .promote(&["test", "scenarios", "--journals", "journals"])
        .await;
    let _ = kept.expect(0);
    let owned = "[[rule]]\nname = \"owned\"\ndeny = \"size(service.teams) == 0\"\nmessage = \"{service.identifier} has no team\"\n";
    let search = "[[rule]]\nname = \"incidents\"\nneeds.open = { search = \"incident\", query = {} }\ndeny = \"size(open) > 0\"\nmessage = \"no\"\n";
    let stops = |number: usize| number.is_multiple_of(3);
    for (rule, said, verdict) in [
        (
            owned,
            "300 journals: 100 would be stopped, 200 not, 0 unknown",
            "web has no team",
        ),
        (
            search,
            "300 journals: 0 would be stopped, 0 not, 300 unknown",
            "",
        ),
    ] {
        stage.write("new.toml", rule);
        let asked = stage
            .promote(&["replay", "--rule", "new.toml", "journals"])
            .await;
        let asked = asked.expect(0);
        assert!(asked.stdout.contains(said), "{}", asked.stdout);
        if verdict.is_empty() {
            continue;
        }
        let lines = asked
            .stdout
            .lines()
            .filter(|line| line.contains("/journals/") || line.starts_with("journals/"));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), 300, "{}", asked.stdout);
        for (number, line) in lines.iter().enumerate() {
            assert!(line.contains(&format!("{number:03}")), "{line}");
            assert_eq!(line.contains(verdict), stops(number), "{line}");
        }
    }
}
