//! The value itself: which one may take the place of which.

use super::*;

/// Section E of the list of YAML edge cases: the value itself. 54 and 55 are scenarios: the host decides them.
#[test]
#[expect(clippy::print_stdout, reason = "one line for each row")]
fn e_the_value_itself() {
    let new = "ghcr.io/acme/web:1.4.2";
    let table = [
        (
            "49",
            "the old value equals the new one",
            new,
            "{registryId}:{tags[0]}",
            "unchanged",
        ),
        (
            "50",
            "a port is not a tag",
            "ghcr.io:443/acme/web",
            "{registryId}:{tags[0]}",
            "repository",
        ),
        (
            "50",
            "malformed old value",
            "ghcr.io/acme/web:1:2",
            "{registryId}:{tags[0]}",
            "manifest",
        ),
        (
            "50",
            "a line break in the new one",
            "ghcr.io/acme/web:1.4.1",
            "{registryId}:1\n2",
            "image",
        ),
        (
            "51",
            "old tag, digest only",
            "ghcr.io/acme/web:1.4.1",
            "{registryId}@{digest}",
            "promoted",
        ),
        (
            "51",
            "old tag, tag and digest",
            "ghcr.io/acme/web:1.4.1",
            "{registryId}:{tags[0]}@{digest}",
            "promoted",
        ),
        (
            "52",
            "another repository",
            "ghcr.io/acme/shop:1.4.1",
            "{registryId}:{tags[0]}",
            "repository",
        ),
        (
            "53",
            "an older one",
            "ghcr.io/acme/web:1.5.0",
            "{registryId}:{tags[0]}",
            "downgrade",
        ),
    ];
    for (case, what, old, reference, expected) in table {
        let mut fake = FakeHost::guide();
        fake.files.insert(
            MANIFEST.into(),
            DEPLOYMENT.replace("ghcr.io/acme/web:1.4.1", old),
        );
        let ended = match run(&mut fake, &json!({ "reference": reference })) {
            Outcome::Promoted(_) => "promoted".to_owned(),
            Outcome::Unchanged(_) => "unchanged".to_owned(),
            Outcome::Waiting(_) => "waiting".to_owned(),
            Outcome::Refused(reasons) => reasons[0].rule.clone(),
        };
        println!(
            "{case:<4} {:<4} {what}",
            if ended == expected { "pass" } else { "FAIL" }
        );
        assert_eq!(ended, expected, "{case} {what}");
    }
}
