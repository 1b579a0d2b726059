//! Doors that are not the policy's own, lies, and words that somebody might obey.

use promote_tests::guests::{BURGLAR, FALLER, LIAR, SMUGGLER};

use super::{ChangeReach, HostileCase};

pub(super) fn cases() -> Vec<HostileCase> {
    [
        reads(),
        proposals(),
        pull_requests(),
        catalog(),
        lies(),
        smuggled(),
    ]
    .concat_all()
}

trait ConcatAll {
    fn concat_all(self) -> Vec<HostileCase>;
}

impl<const N: usize> ConcatAll for [Vec<HostileCase>; N] {
    fn concat_all(self) -> Vec<HostileCase> {
        self.into_iter().flatten().collect()
    }
}

/// A denial that the guest swallows, before it tries to write all the same.
fn denied(class: &'static str, deed: &str, text: &str, said: &'static str) -> HostileCase {
    HostileCase::of(class, BURGLAR, deed, "violation", said).text(text)
}

/// Something that is asked and leads nowhere.
fn nothing(class: &'static str, deed: &str, text: &str, said: &'static str) -> HostileCase {
    HostileCase::of(class, BURGLAR, deed, "refused", said).text(text)
}

const NOT_GRANTED: &str = "is not granted";

fn reads() -> Vec<HostileCase> {
    let path = |text| {
        denied(
            "path traversal",
            "read path",
            text,
            "github.read-file on acme/gitops",
        )
    };
    let place = |deed, text| denied("other places", deed, text, NOT_GRANTED);
    let odd = |deed, text, said| nothing("odd names", deed, text, said);
    vec![
        path("../secrets.yaml"),
        path("apps/web/prod/../staging/deployment.yaml"),
        path("apps/web/prod/..%2fstaging/deployment.yaml"),
        path("apps/web/prod/%2e%2e/staging/deployment.yaml"),
        path("apps/web/prod/%252e%252e/staging.yaml"),
        path("apps/web/prod/..\\staging.yaml"),
        path("apps/web/prod/./deployment.yaml"),
        path("apps/web/prod//deployment.yaml"),
        path("apps/web/prod/deployment.yaml/.."),
        path("/apps/web/prod/deployment.yaml"),
        path("/etc/passwd"),
        path("C:\\Windows\\win.ini"),
        path("apps/web/prod/deployment.yaml\0.yaml"),
        path("apps/web/prod/a\nb.yaml"),
        path("apps/web/prod/\u{2024}\u{2024}/x.yaml"),
        path(".git/config"),
        path(""),
        path("apps/payments/prod/deployment.yaml"),
        path("apps/web/staging/deployment.yaml"),
        path("apps/web/prod/deployment.yaml?ref=other"),
        place("read repository", "acme/secrets"),
        place("read repository", "ACME/gitops"),
        place("read repository", "acme/gitops/../secrets"),
        place("read repository", "acme/gitops?"),
        place("read repository", "https://evil.example/acme/gitops"),
        place("read blueprint", "_user"),
        place("read blueprint", "../service"),
        place("search", "{\"combinator\": \"and\", \"rules\": []}"),
        odd("read revision", "../../other", "dots"),
        odd(
            "read revision",
            "main&path=../x",
            "no branch, tag or commit",
        ),
        odd(
            "read revision",
            "--upload-pack=evil",
            "no branch, tag or commit",
        ),
        odd("read commit", "main\r\nX-Evil: 1", "nothing"),
        odd("read commit", "..", "dots"),
        odd("compare", "main...evil/evil:main", "evil"),
        odd("find pulls", "evil:main&state=all", "came in: done"),
        odd("read entity", "../../service/entities/web", "nothing"),
        odd("read entity", "..", "dots"),
        odd(
            "read entity",
            "web-1.4.1?exclude_calculated_properties=true",
            "nothing",
        ),
    ]
}

fn proposals() -> Vec<HostileCase> {
    let to = |deed, text| denied("other branches", deed, text, NOT_GRANTED);
    let file = |deed, text, said| denied("other files", deed, text, said);
    vec![
        to("propose to", "release"),
        to("propose to", "refs/heads/main"),
        to("propose to", "acme:main"),
        to("propose from", "main"),
        to("propose from", "promote/payments/x"),
        to("propose from", "promote/web/../../main"),
        to("propose from", "promote/web/%2e%2e/main"),
        to("propose from", "promote/web/x:refs/heads/main"),
        to("propose from", "promote/web/x.lock"),
        to("propose from", "-promote/web/x"),
        to("propose in", "acme/other"),
        to("delete branch", "main"),
        to("delete branch", "promote/web//x"),
        file("propose path", ".github/workflows/deploy.yml", NOT_GRANTED),
        file(
            "propose path",
            "apps/web/prod/new.yaml",
            "has not read that version",
        ),
        file(
            "propose beside",
            "apps/web/staging/deployment.yaml",
            NOT_GRANTED,
        ),
        file(
            "propose beside",
            "apps/web/prod/new.yaml",
            "has not read that version",
        ),
        file(
            "propose unread",
            "0000000000000000000000000000000000000000",
            "has not read that version",
        ),
        file("propose content", "---\nkind: Secret\n", "lines instead of"),
        file("propose content", "\u{0}", "lines instead of"),
        file("propose scale", "9", "`replicas` is not among them"),
        file("propose scale quietly", "9", "`replicas` is not among them"),
        file(
            "propose image",
            "evil.example/acme/web:1.4.2",
            "puts the image evil.example/acme/web in the place of",
        ),
        file(
            "propose image quietly",
            "evil.example/acme/web:1.4.2",
            "puts the image evil.example/acme/web in the place of",
        ),
        // What somebody else has pushed, and nobody reviewed, would be merged with the image.
        file(
            "propose on",
            "promote/web/other",
            "this run has not seen main at",
        ),
        file("propose on", "unreviewed", "this run has not seen main at"),
        file(
            "propose on",
            "refs/heads/unreviewed",
            "this run has not seen main at",
        ),
        file("propose on", "old-release", "this run has not seen main at"),
        denied(
            "odd names",
            "propose at",
            "../../../user",
            "this run has not seen main at",
        ),
        denied(
            "odd names",
            "propose at",
            "refs/heads/main",
            "this run has not seen main at",
        ),
    ]
}

fn pull_requests() -> Vec<HostileCase> {
    let foreign = |deed, said| denied("foreign work", deed, "1", said);
    let own =
        |deed, text, said| denied("foreign work", deed, text, said).leaves(ChangeReach::Proposal);
    vec![
        foreign("comment", "neither proposed nor read it"),
        foreign("label", "neither proposed nor read it"),
        foreign("close", "neither proposed nor read it"),
        own("merge number", "1", "has not proposed it"),
        own("merge number", "4711", "has not proposed it"),
        own("merge when ready", "1", "has not proposed it"),
        own(
            "merge at",
            "HEAD",
            "is not the commit that this run proposed",
        ),
        own("merge in", "acme/other", NOT_GRANTED),
        nothing(
            "injection",
            "mark",
            "x --> <script>alert(1)</script>",
            "is no marker",
        )
        .leaves(ChangeReach::Proposal),
        denied(
            "injection",
            "review",
            "dana\r\nX-Evil: 1",
            "is not among the reviewers of the grant",
        )
        .leaves(ChangeReach::Proposal),
    ]
}

fn catalog() -> Vec<HostileCase> {
    let record =
        |deed, text, said| denied("smuggled fields", deed, text, said).leaves(ChangeReach::Merge);
    vec![
        record("record entity", "web-staging", NOT_GRANTED),
        record("record entity", "payments-prod", NOT_GRANTED),
        record("record entity", "web-prod/../web-staging", NOT_GRANTED),
        record("record entity", "web-prod%2f..%2fweb-staging", NOT_GRANTED),
        record("record title", "owned", NOT_GRANTED),
        record(
            "record properties",
            "{\"healthStatus\": \"Healthy\"}",
            NOT_GRANTED,
        ),
        record("record properties", "{\"a\": 1, \"a\": 2}", NOT_GRANTED),
        record(
            "record properties",
            "{\"relations\": {\"image\": \"x\"}}",
            NOT_GRANTED,
        ),
        record("record properties", "not json", NOT_GRANTED),
        record("record properties", "[]", NOT_GRANTED),
        record("record relation", "owner", NOT_GRANTED),
        record("record relation", "image\0", NOT_GRANTED),
        record("record two", "web-1.4.1", "allows it only when"),
        record("record twice", "web-1.4.1", "allows it only when"),
        record("record image", "web-1.4.1", "allows it only when"),
        record("record image", "web-9.9.9", "has not read it"),
        record("record image", "", "has not read it"),
        record("record nothing", "", "does not allow to clear"),
    ]
}

fn lies() -> Vec<HostileCase> {
    let lie = |deed, said| HostileCase::of("lies", FALLER, deed, "violation", said);
    vec![
        lie("lie promoted", "that this run has read or merged"),
        lie("lie waiting", "this run has neither proposed nor read it"),
        HostileCase::of(
            "lies",
            LIAR,
            "",
            "violation",
            "that this run has read or merged",
        ),
        lie("lie other", "that this run has read or merged").text("read"),
        HostileCase::of(
            "lies",
            FALLER,
            "no reason",
            "refused",
            "the policy gives no reason",
        ),
        HostileCase::of("lies", FALLER, "gives up", "failed", "gave up"),
        HostileCase::of("lies", FALLER, "claims a denial", "failed", "by itself"),
    ]
}

fn smuggled() -> Vec<HostileCase> {
    let change = |deed, said| HostileCase::of("smuggled lines", SMUGGLER, deed, "violation", said);
    vec![
        // The denial is told to the policy, which goes on and claims what it did not do.
        change("another line", "that this run has read or merged"),
        change("a new line", "it would have 22 lines instead of 20"),
        change("one line less", "it would have 19 lines instead of 20"),
        change("the comment", "line 18 changes in more"),
        change("the key", "line 18 changes in more"),
        change("a mapping", "line 18 changes in more"),
        change("line ends", "line 1 changes in more"),
    ]
}
