//! The rules of who and what the catalog knows: people, four eyes, provenance.

use super::*;

#[test]
fn people() {
    check(
        json!({ "people": { "users": ["Dana@acme.example"] } }),
        AS_IT_IS,
        "",
        "",
    );
    check(
        json!({ "people": { "users": ["kim@acme.example"] } }),
        AS_IT_IS,
        "people",
        "`dana@acme.example` may not promote",
    );
    let teams = json!({ "people": { "teams": ["payments"] } });
    check(teams.clone(), AS_IT_IS, "people", "(payments)");
    let related: FakeChange = |fake| {
        fake.put(entity(
            "_user",
            "dana@acme.example",
            "{}",
            &[("teams", "payments")],
        ))
    };
    check(teams.clone(), related, "", "");
    let own: FakeChange = |fake| {
        let mut user = entity("_user", "dana@acme.example", "{}", &[]);
        user.teams = vec!["payments".into()];
        fake.put(user);
    };
    check(teams, own, "", "");
}

#[test]
fn four_eyes() {
    let author = |name: &'static str| -> Box<dyn Fn(&mut FakeHost)> {
        Box::new(move |fake| {
            let properties = format!(
                r#"{{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"triggeredBy":"{name}"}}"#
            );
            image(fake, &properties);
        })
    };
    let settings = json!({ "people": { "four_eyes": true } });
    for (name, refused) in [
        ("dana", true),
        ("Dana", true),
        ("DANA@acme.example", true),
        ("kim", false),
        ("dana@other.example", false),
    ] {
        let mut fake = FakeHost::guide();
        author(name)(&mut fake);
        let reasons = reasons(run(&mut fake, &settings));
        assert_eq!(reasons.len(), usize::from(refused), "{name}: {reasons:?}");
    }
    check(
        settings,
        AS_IT_IS,
        "four-eyes",
        "the author is not known, setting `people.author`",
    );
}

#[test]
fn provenance() {
    let settings = json!({ "provenance": { "enabled": true } });
    let built: FakeChange = |fake| {
        fake.entity("service", "web").properties =
            r#"{"url":"https://git.example/acme/web.git"}"#.into();
        image(
            fake,
            r#"{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"commitHash":"0123abcd"}"#,
        );
    };
    check(settings.clone(), built, "", "");
    let diverged: FakeChange = |fake| {
        fake.entity("service", "web").properties = r#"{"url":"acme/web"}"#.into();
        image(
            fake,
            r#"{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"commitHash":"0123abcd"}"#,
        );
        fake.ancestry = Ancestry::Diverged;
    };
    check(
        settings.clone(),
        diverged,
        "provenance",
        "commit 0123abcd, which is not on branch `main` of acme/web",
    );
    check(
        settings.clone(),
        AS_IT_IS,
        "provenance",
        "setting `provenance.repository`: `{service.url}`",
    );
    let no_commit: FakeChange = |fake| {
        fake.entity("service", "web").properties = r#"{"url":"acme/web"}"#.into();
        image(
            fake,
            r#"{"registryId":"ghcr.io/acme/web","tags":["1.4.2"],"commitHash":"main; rm"}"#,
        );
    };
    check(
        settings,
        no_commit,
        "provenance",
        "`main; rm` of image `web-1.4.2` is not the identifier of a commit",
    );
}
