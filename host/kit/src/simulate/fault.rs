//! What goes wrong at Port and GitHub in a script.

use std::fmt::Write as _;

use fastrand::Rng;

use super::company::{Company, draw};
use super::evidence::ImageEvidence;
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

/// A request that a promotion makes: service, method and path. Without a method it is any request of the service.
pub(super) type FaultRoute = (&'static str, &'static str, &'static str);

/// Any request of a service.
const ANY: [FaultRoute; 3] = [
    ("port", "", "**"),
    ("github", "", "**"),
    ("registry", "", "**"),
];

/// The requests of every promotion.
const USUAL: [FaultRoute; 14] = [
    ("port", "POST", "/v1/auth/access_token"),
    ("port", "GET", "/v1/actions/runs/*"),
    ("port", "POST", "/v1/entities/search"),
    ("port", "GET", "/v1/blueprints/*/entities/*"),
    ("port", "PATCH", "/v1/blueprints/*/entities/*"),
    ("port", "POST", "/v1/actions/runs/*/logs"),
    ("port", "PATCH", "/v1/actions/runs/*"),
    ("github", "POST", "/graphql"),
    ("github", "DELETE", "/repos/*/*/git/refs/**"),
    ("github", "GET", "/repos/*/*/pulls/*"),
    ("github", "GET", "/repos/*/*/compare/*"),
    ("github", "GET", "/repos/*/*/contents/**"),
    ("github", "GET", "/repos/*/*/commits/**"),
    ("github", "GET", "/repos/*/*/actions/**"),
];

/// The requests in place of a mutation that fails: of a branch or its commit, of a pull request, of a merge.
const COMMITTING: [FaultRoute; 3] = [
    ("github", "POST", "/repos/*/*/git/trees"),
    ("github", "POST", "/repos/*/*/git/commits"),
    ("github", "POST", "/repos/*/*/git/refs"),
];
const OPENING: [FaultRoute; 1] = [("github", "POST", "/repos/*/*/pulls")];
const MERGING: [FaultRoute; 1] = [("github", "PUT", "/repos/*/*/pulls/*/merge")];

/// The requests that decorate a pull request.
const DECORATING: [FaultRoute; 2] = [
    ("github", "POST", "/repos/*/*/issues/*/labels"),
    ("github", "POST", "/repos/*/*/pulls/*/requested_reviewers"),
];

/// The requests by which the host keeps a comment and a deployment.
const KEEPING: [FaultRoute; 2] = [
    ("github", "POST", "/repos/*/*/issues/*/comments"),
    ("github", "POST", "/repos/*/*/deployments"),
];

/// The requests for attestations.
const ATTESTING: [FaultRoute; 1] = [("github", "GET", "/repos/*/*/attestations/*")];

/// Every request that a fault can be drawn for.
pub(super) fn all_routes() -> impl Iterator<Item = FaultRoute> {
    let parts: [&[FaultRoute]; 8] = [
        &ANY,
        &USUAL,
        &COMMITTING,
        &OPENING,
        &MERGING,
        &DECORATING,
        &KEEPING,
        &ATTESTING,
    ];
    parts.into_iter().flatten().copied()
}

/// A request that promotions of a company make.
fn draw_route(company: &Company, rng: &mut Rng) -> FaultRoute {
    let in_place: &[FaultRoute] = match company.weather.failing_field {
        Some("mergePullRequest") => &MERGING,
        Some("createPullRequest") => &OPENING,
        Some(_) => &COMMITTING,
        None => &[],
    };
    if !in_place.is_empty() && rng.bool() {
        return draw(rng, in_place);
    }
    if company.evidence.asks_registry() && rng.bool() {
        return ANY[2];
    }
    if rng.bool() {
        return draw(rng, &ANY[..2]);
    }
    let mut special: Vec<FaultRoute> = Vec::new();
    if company.is_executable {
        special.extend(COMMITTING);
        special.extend(OPENING);
    }
    if company.decorates {
        special.extend(DECORATING);
    }
    if company.is_kept {
        special.extend(KEEPING);
    }
    if company.evidence == ImageEvidence::Attested {
        special.extend(ATTESTING);
    }
    match special.is_empty() || rng.u8(..3) == 0 {
        true => draw(rng, &USUAL),
        false => draw(rng, &special),
    }
}

/// Faults that promotions of a company can meet, as many as one of these numbers says.
pub(super) fn draw_faults(company: &Company, rng: &mut Rng, counts: &[usize]) -> Vec<ScriptFault> {
    (0..draw(rng, counts))
        .map(|_| {
            let route = draw_route(company, rng);
            let most = match route {
                ("registry", ..) => 4,
                (_, "", _) => 12,
                _ => 2,
            };
            ScriptFault {
                route,
                effect: draw(rng, &FaultKind::ALL),
                nth: rng.u32(1..=most),
                times: draw(rng, &[1, 1, 1, 2, 6]),
            }
        })
        .collect()
}

/// The effect of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FaultKind {
    Refused,
    CutBefore,
    CutAfter,
    BadGateway,
    Broken,
    Garbled,
    Slow,
    TooSlow,
    Secondary,
    Primary,
    TooMany,
}

impl FaultKind {
    pub(super) const ALL: [Self; 11] = [
        Self::Refused,
        Self::CutBefore,
        Self::CutAfter,
        Self::BadGateway,
        Self::Broken,
        Self::Garbled,
        Self::Slow,
        Self::TooSlow,
        Self::Secondary,
        Self::Primary,
        Self::TooMany,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::CutBefore => "cut before",
            Self::CutAfter => "answer lost",
            Self::BadGateway => "502",
            Self::Broken => "500",
            Self::Garbled => "no JSON",
            Self::Slow => "slow",
            Self::TooSlow => "too slow",
            Self::Secondary => "secondary limit",
            Self::Primary => "primary limit",
            Self::TooMany => "429",
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
            Self::Garbled => {
                "{ answer = { status = 200, headers = { content-type = \"text/html\" }, body = \"<html>We are back soon</html>\" } }"
            }
            Self::Slow => "{ delay = \"5s\" }",
            Self::TooSlow => "{ delay = \"45s\" }",
            Self::Secondary => "{ rate-limit = { kind = \"secondary\", lasts = \"30s\" } }",
            Self::TooMany => {
                "{ rate-limit = { kind = \"secondary\", lasts = \"20s\", status = 429 } }"
            }
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
    /// The requests that it may strike, for the table.
    pub(super) fn route_name(self) -> String {
        route_name(self.route)
    }

    pub(super) fn toml(&self) -> String {
        let (service, method, path) = self.route;
        let method = match method.is_empty() {
            true => String::new(),
            false => format!("method = \"{method}\", "),
        };
        format!(
            "{{ service = \"{service}\", {method}path = \"{path}\", nth = {}, times = {}, then = {} }}",
            self.nth,
            self.times,
            self.effect.toml()
        )
    }
}

/// The name of a route, for the table.
pub(super) fn route_name((service, method, path): FaultRoute) -> String {
    match method.is_empty() {
        true => format!("{service}, any"),
        false => format!("{service} {method} {path}"),
    }
}
