//! The rules of organisation and team, asked early: people learn every reason at once.

use super::*;

fn no(rule: &str, stops: StopPoint) -> Reason {
    Reason {
        stops,
        ..reason(rule, "close the open incidents first".to_owned())
    }
}

#[test]
fn their_no_stands_beside_the_policys_own() {
    let mut fake = FakeHost::guide();
    let service = ("service".to_owned(), "web".to_owned());
    fake.entities.get_mut(&service).unwrap().properties = r#"{"locked_in_prod": true}"#.to_owned();
    fake.rules = vec![no("incidents", StopPoint::Propose)];
    assert_eq!(rules(&run(&mut fake)), ["lock", "incidents"]);
    let judged = &fake.judged[0];
    assert_eq!(
        (&*judged.repository, &*judged.base),
        ("acme/gitops", "main")
    );
    let change = &judged.changes[0];
    assert_eq!(change.path, MANIFEST);
    assert_eq!(change.before, "ghcr.io/acme/web:1.4.1");
    assert_eq!(change.after, "ghcr.io/acme/web:1.4.2");
}

#[test]
fn what_stops_less_lets_the_pull_request_be_opened() {
    for stops in [StopPoint::Merge, StopPoint::Nothing] {
        let mut fake = FakeHost::guide();
        fake.rules = vec![no("incidents", stops)];
        assert!(matches!(run(&mut fake), Outcome::Promoted(_)), "{stops:?}");
        assert_eq!(fake.pulls.len(), 1, "{stops:?}");
    }
}

#[test]
fn nothing_is_asked_about_what_git_holds_already() {
    let mut fake = FakeHost::guide();
    fake.rules = vec![no("incidents", StopPoint::Propose)];
    let text = fake.files[MANIFEST].replace("1.4.1", "1.4.2");
    fake.files.insert(MANIFEST.to_owned(), text);
    assert!(!matches!(run(&mut fake), Outcome::Refused(_)));
    assert!(fake.judged.is_empty());
}
