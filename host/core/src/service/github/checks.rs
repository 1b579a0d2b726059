//! What a branch demands, and how the checks of a commit stand. Incomplete data fails closed.

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
    /// Who made a check run.
    app: Option<CheckApp>,
}

/// An App, by its number.
#[derive(Clone, Copy, Deserialize, PartialEq)]
struct CheckApp {
    id: i64,
}

/// A check that a branch requires, and the App that must report it, if not any.
type RequiredCheck = (String, Option<i64>);

#[derive(Deserialize)]
struct RulesetRule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Value,
}

impl Repo<'_> {
    /// The checks and statuses of a commit, with those that the base branch requires.
    ///
    /// Fails with `unavailable` if an answer is incomplete.
    pub async fn checks(&self, commit: &str, base: &str) -> CallResult<Vec<Check>> {
        let at = format!("/commits/{}", seg(commit));
        let (runs, statuses, (_, required)) = tokio::try_join!(
            self.reports(format!("{at}/check-runs?filter=latest&per_page=100")),
            self.reports(format!("{at}/status?per_page=100")),
            async { Ok(self.rules(base).await?) },
        )?;
        let from = |name: &str, maker: i64| {
            let of =
                |run: &&CheckReport| run.name == name && run.app == Some(CheckApp { id: maker });
            runs.iter()
                .rfind(of)
                .map_or(CheckState::Waiting, CheckReport::state)
        };
        let required: Vec<_> = required
            .into_iter()
            .map(|(name, maker)| {
                (
                    maker.map_or(CheckState::Passing, |maker| from(&name, maker)),
                    name,
                )
            })
            .collect();
        let mut checks: BTreeMap<String, Check> =
            runs.into_iter().map(CheckReport::into_entry).collect();
        for (name, status) in statuses.into_iter().map(CheckReport::into_entry) {
            // A run and a status of one name are two checks: the worse one counts.
            if checks
                .get(&name)
                .is_none_or(|run| status.state as u8 > run.state as u8)
            {
                checks.insert(name, status);
            }
        }
        for (from_its_maker, name) in required {
            let state = CheckState::Waiting;
            let missing = Check {
                name: name.clone(),
                state,
                required: true,
                url: None,
            };
            let check = checks.entry(name).or_insert(missing);
            check.required = true;
            // What another App reports under the name does not count for GitHub.
            if from_its_maker as u8 > check.state as u8 {
                check.state = from_its_maker;
            }
        }
        Ok(checks.into_values().collect())
    }

    /// What a branch demands: its rulesets, its classic protection, and the methods that the repository allows.
    ///
    /// Fails with `not-found` if the repository does not exist.
    pub async fn branch_rules(&self, branch: &str) -> CallResult<BranchRules> {
        let settings = self.get::<Value>(String::new());
        let (settings, (rules, required)) = tokio::try_join!(settings, self.rules(branch))?;
        let mut required_checks: Vec<_> = required.into_iter().map(|(name, _)| name).collect();
        required_checks.dedup();
        let of = |kind: &'static str| rules.iter().filter(move |rule| rule.kind == kind);
        let allowed = |&(method, name, setting): &(MergeMethod, &str, &str)| {
            let lists =
                of("pull_request").map(|rule| rule.parameters["allowed_merge_methods"].as_array());
            let linear = of("required_linear_history").next().is_some();
            // Without write access the settings are not told; then nothing is known to be forbidden.
            settings[setting] != false
                && !(linear && method == MergeMethod::Merge)
                && lists
                    .flatten()
                    .all(|list| list.iter().any(|allowed| allowed == name))
        };
        let approvals = of("pull_request")
            .filter_map(|rule| rule.parameters["required_approving_review_count"].as_u64())
            .max();
        Ok(BranchRules {
            methods: METHODS.iter().filter(|m| allowed(m)).map(|m| m.0).collect(),
            required_checks,
            required_approvals: approvals.unwrap_or(0).try_into().unwrap_or(u32::MAX),
            merge_queue: of("merge_queue").next().is_some(),
        })
    }

    /// The rules of a branch, and the checks that they and classic protection require, sorted.
    ///
    /// Protection itself is for admins, but "Get a branch" tells its checks. A plan without rulesets answers 403.
    async fn rules(&self, branch: &str) -> ServiceResult<(Vec<RulesetRule>, Vec<RequiredCheck>)> {
        let rules = self.pages(format!("/rules/branches/{}?per_page=100", segs(branch)));
        let branch = self.get::<Value>(format!("/branches/{}", segs(branch)));
        let (rules, branch) = tokio::join!(rules, branch);
        let rules: Vec<RulesetRule> = match rules {
            Ok((pages, _)) => pages
                .into_iter()
                .flat_map(|page: Vec<RulesetRule>| page)
                .collect(),
            Err(error) if error.says(403, "Upgrade to") => Vec::new(),
            Err(error) => return Err(error),
        };
        let classic = &or_none(branch)?.unwrap_or_default()["protection"]["required_status_checks"];
        // "Any App" is told by no number, or by -1.
        let maker = |check: &Value| {
            let number = check["integration_id"]
                .as_i64()
                .or(check["app_id"].as_i64());
            number.filter(|number| *number > 0)
        };
        let mut required: Vec<RequiredCheck> = [&classic["contexts"], &classic["checks"]]
            .into_iter()
            .chain(
                rules
                    .iter()
                    .map(|rule| &rule.parameters["required_status_checks"]),
            )
            .flat_map(|list| list.as_array().into_iter().flatten())
            .filter_map(|check| {
                let name = check.as_str().or(check["context"].as_str())?;
                Some((name.to_owned(), maker(check)))
            })
            .collect();
        required.sort();
        required.dedup();
        Ok((rules, required))
    }

    /// All reports of a list, the oldest first, so that the newest of a name comes last.
    async fn reports(&self, list: String) -> CallResult<Vec<CheckReport>> {
        let (pages, complete) = self.pages::<ReportPage>(list.clone()).await?;
        let promised = pages.first().map_or(0, |page| page.total_count);
        let mut reports: Vec<_> = pages.into_iter().flat_map(|page| page.reports).collect();
        if !complete || reports.len() < promised {
            return Err(Failure::Unavailable(format!(
                "GitHub did not list everything in {list}"
            )));
        }
        reports.sort_by_key(|report| report.id);
        Ok(reports)
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

    fn into_entry(self) -> (String, Check) {
        let (name, state) = (self.name.clone(), self.state());
        (
            name,
            Check {
                name: self.name,
                state,
                required: false,
                url: self.link,
            },
        )
    }
}
