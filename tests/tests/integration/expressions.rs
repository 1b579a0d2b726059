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
