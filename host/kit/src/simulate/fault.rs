//! What goes wrong at Port and GitHub in a script.

use std::fmt::Write as _;

use crate::scenario::CallTrouble;

/// The faults of a run, and the call at which it meets a trouble.
pub(super) type RunTroubles = (Vec<ScriptFault>, Option<(usize, CallTrouble)>);

/// A fault of Port or GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScriptFault {
    pub(super) route: FaultRoute,
    pub(super) effect: FaultKind,
    /// The first matching request that it strikes, from 1, and how many.
    pub(super) nth: u32,
    pub(super) times: u32,
}

/// A request that a promotion makes: service, method and path.
pub(super) type FaultRoute = (&'static str, &'static str, &'static str);

/// The requests that a promotion makes.
pub(super) const ROUTES: [FaultRoute; 20] = [
    ("port", "POST", "/v1/auth/access_token"),
    ("port", "GET", "/v1/actions/runs/*"),
    ("port", "POST", "/v1/entities/search"),
    ("port", "GET", "/v1/blueprints/*/entities/*"),
    ("port", "PATCH", "/v1/blueprints/*/entities/*"),
    ("port", "POST", "/v1/actions/runs/*/logs"),
    ("port", "PATCH", "/v1/actions/runs/*"),
    ("github", "POST", "/graphql"),
    ("github", "POST", "/repos/*/*/git/trees"),
    ("github", "POST", "/repos/*/*/git/commits"),
    ("github", "POST", "/repos/*/*/git/refs"),
    ("github", "PATCH", "/repos/*/*/git/refs/**"),
    ("github", "DELETE", "/repos/*/*/git/refs/**"),
    ("github", "POST", "/repos/*/*/pulls"),
    ("github", "GET", "/repos/*/*/pulls/*"),
    ("github", "PUT", "/repos/*/*/pulls/*/merge"),
    ("github", "GET", "/repos/*/*/compare/*"),
    ("github", "GET", "/repos/*/*/contents/**"),
    ("github", "GET", "/repos/*/*/commits/**"),
    ("github", "GET", "/repos/*/*/rules/**"),
];

/// The effect of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FaultKind {
    Refused,
    CutBefore,
    CutAfter,
    BadGateway,
    Broken,
    Slow,
    TooSlow,
    Secondary,
    Primary,
}

impl FaultKind {
    pub(super) const ALL: [Self; 9] = [
        Self::Refused,
        Self::CutBefore,
        Self::CutAfter,
        Self::BadGateway,
        Self::Broken,
        Self::Slow,
        Self::TooSlow,
        Self::Secondary,
        Self::Primary,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::CutBefore => "cut before",
            Self::CutAfter => "answer lost",
            Self::BadGateway => "502",
            Self::Broken => "500",
            Self::Slow => "slow",
            Self::TooSlow => "too slow",
            Self::Secondary => "secondary limit",
            Self::Primary => "primary limit",
        }
    }

    pub(super) fn toml(self) -> &'static str {
        match self {
            Self::Refused => "{ cut = \"refused\" }",
            Self::CutBefore => "{ cut = \"before\" }",
            Self::CutAfter => "{ cut = \"after\" }",
            Self::BadGateway => {
                "{ answer = { status = 502, headers = { content-type = \"text/html\" }, body = \"<html>502 Bad Gateway</html>\" } }"
            }
            Self::Broken => {
                "{ answer = { status = 500, headers = { content-type = \"application/json\" }, body = \"{}\" } }"
            }
            Self::Slow => "{ delay = \"5s\" }",
            Self::TooSlow => "{ delay = \"45s\" }",
            Self::Secondary => "{ rate-limit = { kind = \"secondary\", lasts = \"30s\" } }",
            Self::Primary => "{ rate-limit = { kind = \"primary\", lasts = \"90s\" } }",
        }
    }
}

/// What goes wrong from a step on.
pub(super) fn write_troubles(
    text: &mut String,
    faults: &[ScriptFault],
    trouble: Option<(usize, CallTrouble)>,
) -> std::fmt::Result {
    if let Some((call, trouble)) = trouble {
        let name = trouble.name();
        writeln!(text, "trouble = {{ call = {call}, is = \"{name}\" }}")?;
    }
    let faults: Vec<String> = faults.iter().map(ScriptFault::toml).collect();
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(text, "faults = [\n  {},\n]", faults.join(",\n  "))
}

impl ScriptFault {
    pub(super) fn toml(&self) -> String {
        let (service, method, path) = self.route;
        format!(
            "{{ service = \"{service}\", method = \"{method}\", path = \"{path}\", nth = {}, times = {}, then = {} }}",
            self.nth,
            self.times,
            self.effect.toml()
        )
    }
}
