//! The rules of a branch, and the state of a commit's checks. Incomplete data fails closed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::contract::{BranchRules, Check, CheckState, Failure, MergeMethod};
use crate::service::github::Repo;
use crate::service::http::{CallResult, ServiceResult, or_none, seg, segs};

/// The names of the methods, in the order in which they are preferred.
const METHODS: [(MergeMethod, &str, &str); 3] = [
    (MergeMethod::Merge, "merge", "allow_merge_commit"),
    (MergeMethod::Squash, "squash", "allow_squash_merge"),
    (MergeMethod::Rebase, "rebase", "allow_rebase_merge"),
];

/// A page of check runs, or of commit statuses.
#[derive(Deserialize)]
struct ReportPage {
    total_count: usize,
    #[serde(alias = "check_runs", alias = "statuses")]
    reports: Vec<CheckReport>,
}

/// A check run, or a commit status, which names the same things differently.
#[derive(Deserialize)]
struct CheckReport {
    id: u64,
    #[serde(alias = "context")]
    name: String,
    #[serde(alias = "conclusion")]
    state: Option<String>,
    #[serde(alias = "html_url", alias = "target_url")]
    link: Option<String>,
    /// The maker of a check run.
    app: Option<CheckApp>,
}

/// An App, by its number.
#[derive(Clone, Copy, Deserialize, PartialEq)]
struct CheckApp {
    id: i64,
}

/// A check that a branch requires.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RequiredCheck {
    name: String,
    /// The number of the App that must report it; none if any may.
    app: Option<i64>,
}

/// The rules of a branch, and the checks that they and classic protection require, sorted.
struct BranchDemands {
    rules: Vec<RulesetRule>,
    required: Vec<RequiredCheck>,
}

#[derive(Deserialize)]
struct RulesetRule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Value,
}

impl Repo<'_> {
    /// Reads the checks and statuses of a commit, with those that the base branch requires.
    ///
    /// Fails with `unavailable` if an answer is incomplete.
    pub async fn checks(&self, commit: &str, base: &str) -> CallResult<Vec<Check>> {
        let at = format!("/commits/{}", seg(commit));
        let (runs, statuses, BranchDemands { required, .. }) = tokio::try_join!(
            self.reports(format!("{at}/check-runs?filter=latest&per_page=100")),
            self.reports(format!("{at}/status?per_page=100")),
            async { Ok(self.demands(base).await?) },
        )?;
        let required: Vec<_> = required
            .into_iter()
            .map(|check| {
                // What another App reports under the name does not count for GitHub.
                let least = match check.app {
                    Some(app) => state_by_app(&runs, &statuses, &check.name, app),
                    None => CheckState::Passing,
                };
                (check.name, least)
            })
            .collect();
        let mut checks: BTreeMap<String, Check> = BTreeMap::new();
        for report in runs {
            let check = report.into_contract();
            checks.insert(check.name.clone(), check);
        }
        for report in statuses {
            let status = report.into_contract();
            // A run and a status of one name are two checks: the worse one counts.
            match checks.get(&status.name) {
                Some(run) if run.state as u8 >= status.state as u8 => {}
                _ => {
                    checks.insert(status.name.clone(), status);
                }
            }
        }
        for (name, least) in required {
            let check = checks.entry(name.clone()).or_insert(Check {
                name,
                state: CheckState::Waiting,
                required: false,
                url: None,
            });
            check.required = true;
            if least as u8 > check.state as u8 {
                check.state = least;
            }
        }
        Ok(checks.into_values().collect())
    }

    /// Reads the demands of a branch: its rulesets, its classic protection, and the methods that the repository allows.
    ///
    /// Fails with `not-found` if the repository does not exist.
    pub async fn branch_rules(&self, branch: &str) -> CallResult<BranchRules> {
        let (settings, demands) =
            tokio::try_join!(self.get::<Value>(String::new()), self.demands(branch))?;
        let mut methods = Vec::new();
        for (method, name, setting) in METHODS {
            // Without write access the settings are not told; then nothing is known to be forbidden.
            if settings[setting] != false && demands.allow_method(method, name) {
                methods.push(method);
            }
        }
        let approvals = demands
            .of_kind("pull_request")
            .filter_map(|rule| rule.parameters["required_approving_review_count"].as_u64())
            .max();
        let merge_queue = demands.of_kind("merge_queue").next().is_some();
        let mut required_checks: Vec<_> = demands
            .required
            .into_iter()
            .map(|check| check.name)
            .collect();
        required_checks.dedup();
        Ok(BranchRules {
            methods,
            required_checks,
            required_approvals: approvals.unwrap_or(0).try_into().unwrap_or(u32::MAX),
            merge_queue,
        })
    }

    /// Reads the rules of a branch.
    ///
    /// Protection itself is for admins, but "Get a branch" tells its checks. A plan without rulesets answers 403.
    async fn demands(&self, branch: &str) -> ServiceResult<BranchDemands> {
        let (rules, branch) = tokio::join!(
            self.pages::<Vec<RulesetRule>>(format!(
                "/rules/branches/{}?per_page=100",
                segs(branch)
            )),
            self.get::<Value>(format!("/branches/{}", segs(branch))),
        );
        let rules: Vec<RulesetRule> = match rules {
            Ok(list) => list.pages.into_iter().flatten().collect(),
            Err(error) if error.says(403, "Upgrade to") => Vec::new(),
            Err(error) => return Err(error),
        };
        // A branch that is not there yet has no protection.
        let branch = or_none(branch)?.unwrap_or_default();
        let classic = &branch["protection"]["required_status_checks"];
        let mut required: Vec<RequiredCheck> = [&classic["contexts"], &classic["checks"]]
            .into_iter()
            .chain(
                rules
                    .iter()
                    .map(|rule| &rule.parameters["required_status_checks"]),
            )
            .flat_map(|list| list.as_array().into_iter().flatten())
            .filter_map(RequiredCheck::read)
            .collect();
        required.sort();
        required.dedup();
        Ok(BranchDemands { rules, required })
    }

    /// Reads all reports of a list, the oldest first, so that the newest of a name comes last.
    async fn reports(&self, list: String) -> CallResult<Vec<CheckReport>> {
        let found = self.pages::<ReportPage>(list.clone()).await?;
        let promised = found.pages.first().map_or(0, |page| page.total_count);
        let mut reports: Vec<_> = found
            .pages
            .into_iter()
            .flat_map(|page| page.reports)
            .collect();
        if !found.is_whole || reports.len() < promised {
            return Err(Failure::Unavailable(format!(
                "GitHub did not list everything in {list}"
            )));
        }
        reports.sort_by_key(|report| report.id);
        Ok(reports)
    }
}

/// Returns the state of the newest report of this name by an App; waiting if it has made none.
fn state_by_app(
    runs: &[CheckReport],
    statuses: &[CheckReport],
    name: &str,
    app: i64,
) -> CheckState {
    let run = runs
        .iter()
        .rfind(|run| run.name == name && run.app == Some(CheckApp { id: app }));
    // Some Apps report by commit status, which does not name them; then nobody has made a run of the name.
    let status = if runs.iter().any(|run| run.name == name) {
        None
    } else {
        statuses.iter().rfind(|status| status.name == name)
    };
    run.or(status)
        .map_or(CheckState::Waiting, CheckReport::state)
}

impl RequiredCheck {
    /// Reads a check as rulesets and protection have it: a name, or an object with a `context`.
    fn read(check: &Value) -> Option<Self> {
        let name = check.as_str().or(check["context"].as_str())?;
        let app = check["integration_id"]
            .as_i64()
            .or(check["app_id"].as_i64());
        Some(Self {
            name: name.to_owned(),
            // "Any App" is told by no number, or by -1.
            app: app.filter(|number| *number > 0),
        })
    }
}

impl BranchDemands {
    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &RulesetRule> {
        self.rules.iter().filter(move |rule| rule.kind == kind)
    }

    fn allow_method(&self, method: MergeMethod, name: &str) -> bool {
        let is_linear = self.of_kind("required_linear_history").next().is_some();
        let mut lists = self
            .of_kind("pull_request")
            .filter_map(|rule| rule.parameters["allowed_merge_methods"].as_array());
        !(is_linear && method == MergeMethod::Merge)
            && lists.all(|list| list.iter().any(|allowed| allowed == name))
    }
}

impl CheckReport {
    fn state(&self) -> CheckState {
        match self.state.as_deref() {
            None | Some("pending") => CheckState::Waiting,
            Some("success" | "neutral" | "skipped") => CheckState::Passing,
            Some(_) => CheckState::Failing,
        }
    }

    fn into_contract(self) -> Check {
        Check {
            state: self.state(),
            name: self.name,
            required: false,
            url: self.link,
        }
    }
}
