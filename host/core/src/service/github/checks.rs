//! The state of a commit's checks. Incomplete data fails closed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::contract::{Check, CheckState, Failure};
use crate::service::github::Repo;
use crate::service::github::protection::ListedRules;
use crate::service::http::{CallResult, seg};

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

impl Repo<'_> {
    /// Reads the checks and statuses of a commit, with those that the base branch requires.
    ///
    /// Fails with `unavailable` if an answer is incomplete.
    pub async fn checks(&self, commit: &str, base: &str) -> CallResult<Vec<Check>> {
        let at = format!("/commits/{}", seg(commit));
        let (runs, statuses, ListedRules { required, .. }) = tokio::try_join!(
            self.reports(format!("{at}/check-runs?filter=latest&per_page=100")),
            self.reports(format!("{at}/status?per_page=100")),
            async { Ok(self.listed_rules(base).await?) },
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
