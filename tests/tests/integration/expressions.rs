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

#[tokio::test]
async fn a_new_rule_is_tried_on_recorded_promotions() {
    let stage = ProgramStage::sample().await;
    std::fs::create_dir(stage.path("scenarios")).unwrap();
    for number in 0..30 {
        let team = if number % 3 == 0 { "" } else { "\"shop\"" };
        let text = format!(
            "title = \"run {number}\"\n[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"web\"\n\
             team = [{team}]\n[expect]\noutcome = \"promoted\"\n"
        );
        stage.write(&format!("scenarios/{number:02}.toml"), &text);
    }
    let kept = stage
        .promote(&["test", "scenarios", "--journals", "journals"])
        .await;
    let _ = kept.expect(0);
    let owned = "[[rule]]\nname = \"owned\"\ndeny = \"size(service.teams) == 0\"\nmessage = \"{service.identifier} has no team\"\n";
    let search = "[[rule]]\nname = \"incidents\"\nneeds.open = { search = \"incident\", query = {} }\ndeny = \"size(open) > 0\"\nmessage = \"no\"\n";
    for (rule, said) in [
        (owned, "30 journals: 10 would be stopped, 20 not, 0 unknown"),
        (search, "30 journals: 0 would be stopped, 0 not, 30 unknown"),
    ] {
        stage.write("new.toml", rule);
        let asked = stage
            .promote(&["replay", "--rule", "new.toml", "journals"])
            .await;
        let asked = asked.expect(0);
        assert!(asked.stdout.contains(said), "{}", asked.stdout);
    }
}
