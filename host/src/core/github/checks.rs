//! What a branch demands, and how the checks of a commit stand. Incomplete data fails closed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Client, Repository};
use crate::core::contract::{BranchRules, Check, CheckState, Failure, MergeMethod};
use crate::core::http::{OrNone, ServiceError, seg, segs};

/// The names of the methods, in the order in which they are preferred.
const METHODS: [(MergeMethod, &str, &str); 3] = [
    (MergeMethod::Merge, "merge", "allow_merge_commit"),
    (MergeMethod::Squash, "squash", "allow_squash_merge"),
    (MergeMethod::Rebase, "rebase", "allow_rebase_merge"),
];

/// The name that GitHub gives a method.
pub(super) fn method_name(method: MergeMethod) -> &'static str {
    METHODS[method as usize].1
}

#[derive(Deserialize)]
struct Runs {
    total_count: usize,
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    id: u64,
    name: String,
    conclusion: Option<String>,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Statuses {
    total_count: usize,
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
    target_url: Option<String>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Value,
}

impl Client {
    /// The checks and statuses of a commit, with those that the base branch requires.
    ///
    /// Fails with `unavailable` if an answer is incomplete.
    pub async fn checks(
        &self,
        repository: &str,
        commit: &str,
        base: &str,
    ) -> Result<Vec<Check>, Failure> {
        let repository = Repository::parse(repository)?;
        let at = format!("{repository}/commits/{}", seg(commit));
        let runs = self.pages::<Runs>(format!("{at}/check-runs?filter=latest&per_page=100"));
        let statuses = self.pages::<Statuses>(format!("{at}/status?per_page=100"));
        let required = self.required_checks(&repository, base);
        let ((runs, all_runs), (statuses, all_statuses), required) =
            tokio::try_join!(runs, statuses, required)?;
        let promised = (
            runs.first().map_or(0, |p| p.total_count),
            statuses.first().map_or(0, |p| p.total_count),
        );
        let mut runs: Vec<_> = runs.into_iter().flat_map(|page| page.check_runs).collect();
        let statuses: Vec<_> = statuses
            .into_iter()
            .flat_map(|page| page.statuses)
            .collect();
        if !all_runs || !all_statuses || runs.len() < promised.0 || statuses.len() < promised.1 {
            return Err(Failure::Unavailable(format!(
                "GitHub did not list all checks of {commit}"
            )));
        }
        runs.sort_by_key(|run| run.id);
        let mut checks: BTreeMap<String, Check> = BTreeMap::new();
        // In ascending order of age, so that the newest of a name stays.
        for run in runs {
            checks.insert(run.name.clone(), run.into_check());
        }
        for status in statuses {
            let check = status.into_check();
            // A run and a status of one name are two checks: the worse one counts.
            let worse = checks
                .get(&check.name)
                .is_none_or(|other| check.state as u8 > other.state as u8);
            if worse {
                checks.insert(check.name.clone(), check);
            }
        }
        for name in required {
            let missing = Check {
                name: name.clone(),
                state: CheckState::Waiting,
                required: true,
                url: None,
            };
            checks.entry(name).or_insert(missing).required = true;
        }
        Ok(checks.into_values().collect())
    }

    /// What a branch demands: its rulesets, its classic protection, and the methods that the repository allows.
    ///
    /// Fails with `not-found` if the repository does not exist.
    pub async fn branch_rules(
        &self,
        repository: &str,
        branch: &str,
    ) -> Result<BranchRules, Failure> {
        let repository = Repository::parse(repository)?;
        let rules = self.rules(&repository, branch);
        let classic = self.classic_checks(&repository, branch);
        let (settings, rules, classic) =
            tokio::try_join!(self.get::<Value>(repository.to_string()), rules, classic)?;
        let of_kind = |kind: &'static str| rules.iter().filter(move |rule| rule.kind == kind);
        let linear = of_kind("required_linear_history").next().is_some();
        let allowed = |(method, name, setting): &(MergeMethod, &str, &str)| {
            let ruled_out = |rule: &Rule| {
                let methods = rule.parameters["allowed_merge_methods"].as_array();
                methods.is_some_and(|methods| !methods.iter().any(|m| m == name))
            };
            // Without write access the settings are not told; then nothing is known to be forbidden.
            settings[*setting] != false
                && !(linear && *method == MergeMethod::Merge)
                && !of_kind("pull_request").any(ruled_out)
        };
        let approvals = |rule: &Rule| rule.parameters["required_approving_review_count"].as_u64();
        Ok(BranchRules {
            methods: METHODS
                .iter()
                .filter(|method| allowed(method))
                .map(|method| method.0)
                .collect(),
            required_checks: required_of(&rules, classic),
            required_approvals: of_kind("pull_request")
                .filter_map(approvals)
                .filter_map(|count| count.try_into().ok())
                .max()
                .unwrap_or(0),
            merge_queue: of_kind("merge_queue").next().is_some(),
        })
    }

    async fn required_checks(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let (rules, classic) = tokio::try_join!(
            self.rules(repository, branch),
            self.classic_checks(repository, branch)
        )?;
        Ok(required_of(&rules, classic))
    }

    /// "Get rules for a branch". A plan without rulesets answers 403, which means that there are none.
    async fn rules(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Vec<Rule>, ServiceError> {
        let target = format!("{repository}/rules/branches/{}?per_page=100", segs(branch));
        match self.pages::<Vec<Rule>>(target).await {
            Ok((pages, _)) => Ok(pages.into_iter().flatten().collect()),
            Err(error) if error.says(403, "Upgrade to") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The contexts that classic protection requires, from "Get a branch": the protection itself is for admins.
    async fn classic_checks(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let found: Option<Value> = self
            .get(format!("{repository}/branches/{}", segs(branch)))
            .await
            .or_none()?;
        let required = &found.unwrap_or_default()["protection"]["required_status_checks"];
        let contexts = required["contexts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let checks = required["checks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c["context"].as_str());
        Ok(contexts.chain(checks).map(str::to_owned).collect())
    }
}

/// The names of all required checks, sorted, each once.
fn required_of(rules: &[Rule], mut names: Vec<String>) -> Vec<String> {
    let rules = rules
        .iter()
        .filter(|rule| rule.kind == "required_status_checks");
    let checks = rules
        .filter_map(|rule| rule.parameters["required_status_checks"].as_array())
        .flatten();
    names.extend(
        checks
            .filter_map(|check| check["context"].as_str())
            .map(str::to_owned),
    );
    names.sort();
    names.dedup();
    names
}

impl CheckRun {
    fn into_check(self) -> Check {
        let state = match self.conclusion.as_deref() {
            None => CheckState::Waiting,
            Some("success" | "neutral" | "skipped") => CheckState::Passing,
            Some(_) => CheckState::Failing,
        };
        Check {
            name: self.name,
            state,
            required: false,
            url: self.html_url,
        }
    }
}

impl Status {
    fn into_check(self) -> Check {
        let state = match self.state.as_str() {
            "success" => CheckState::Passing,
            "pending" => CheckState::Waiting,
            _ => CheckState::Failing,
        };
        Check {
            name: self.context,
            state,
            required: false,
            url: self.target_url,
        }
    }
}
