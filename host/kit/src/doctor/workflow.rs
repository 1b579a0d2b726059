//! The workflow that a click in Port starts: its file on the branch where GitHub looks for it, against what the action sends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde_json::Value;

use super::workflow_file::{JobEnvironment, ParsedWorkflow};
use super::{environment, owners};
use crate::finding::{DoctorFindings, FindingCode, Severity};
use promote_core::contract::Failure;
use promote_core::gate::describe;
use promote_core::grants::{Grants, Operation};
use promote_core::run::resume::{RUN_NAME, ResumeWatch, WorkflowAccess};
use promote_core::service::github::BranchProtection;
use promote_core::service::http::{HttpAnswer, ServiceError, ServiceResult, seg};
use promote_core::service::{github, port};
use promote_run::environment::permissions;

/// The branch on which Port's GitHub app looks for a workflow, unless the action names one.
const LEGACY_BRANCH: &str = "main";

/// The clients that workflows are read with.
pub(super) struct WorkflowReaders<'a> {
    pub(super) port: &'a port::Client,
    pub(super) github: &'a github::Client,
    /// The client of a workflow's own token, and the repository that it reaches.
    pub(super) own: Option<&'a (github::Client, String)>,
    /// The grants, which the workflow's token must be able to serve.
    pub(super) grants: &'a Grants,
    /// The file of the workflow that goes on with what waits.
    pub(super) resume: &'a str,
    /// The configuration, if it has rules that nobody may leave out.
    pub(super) ruled: Option<&'a Path>,
}

/// A workflow that an action of Port starts.
struct StartedWorkflow {
    repository: String,
    file: String,
    /// The branch that it is started on, if it is not the default one.
    branch: Option<String>,
    /// The names of the inputs that are sent; none if the action does not say.
    inputs: Option<Vec<String>>,
}

impl StartedWorkflow {
    /// Reads it from an action; none if that starts no workflow by the name of its file.
    fn of_action(action: &Value) -> Option<Self> {
        let method = &action["invocationMethod"];
        let is_legacy = method["type"] == "GITHUB";
        let work = method
            .get("integrationActionExecutionProperties")
            .unwrap_or(method);
        let text = |name: &str| work[name].as_str();
        let inputs = work["workflowInputs"].as_object();
        let branch = inputs.and_then(|inputs| inputs.get("ref")?.as_str());
        let file = text("workflow")?;
        let file = file.rsplit('/').next().unwrap_or(file);
        let is_name = file.ends_with(".yml") || file.ends_with(".yaml");
        is_name.then_some(())?;
        Some(Self {
            repository: format!("{}/{}", text("org")?, text("repo")?),
            file: file.to_owned(),
            branch: branch
                .or(is_legacy.then_some(LEGACY_BRANCH))
                .map(str::to_owned),
            inputs: inputs.map(|inputs| {
                let sent = inputs.keys().filter(|name| *name != "ref");
                sent.cloned().collect()
            }),
        })
    }

    fn path(&self) -> String {
        format!(".github/workflows/{}", self.file)
    }

    fn subject(&self) -> String {
        format!("workflow {} of {}", self.file, self.repository)
    }
}

/// Checks the workflows of actions. `guarded` is the environment that promote.toml names.
pub(super) async fn check(
    readers: &WorkflowReaders<'_>,
    actions: &[String],
    guarded: Option<&str>,
    findings: &mut DoctorFindings,
) {
    let mut resumed_in = BTreeSet::new();
    for action in actions {
        // What is wrong with the action itself has been said where it was checked.
        let found = readers
            .port
            .get(format!("/v1/actions/{}", seg(action)))
            .await;
        let found = found.and_then(|answer| answer.field::<Value>("action"));
        let Some(workflow) = found.ok().as_ref().and_then(StartedWorkflow::of_action) else {
            continue;
        };
        check_workflow(readers, &workflow, guarded, findings).await;
        if resumed_in.insert(workflow.repository.to_ascii_lowercase()) {
            check_resume(readers, &workflow.repository, findings).await;
        }
    }
}

/// Checks that somebody goes on with what waits.
async fn check_resume(
    readers: &WorkflowReaders<'_>,
    repository: &str,
    findings: &mut DoctorFindings,
) {
    let file = readers.resume;
    let subject = format!("workflow {file} of {repository}");
    let access = WorkflowAccess {
        github: readers.client(repository),
        repository,
    };
    let watch = ResumeWatch::look(access, file, Timestamp::now()).await;
    if let ResumeWatch::Unseen(why) = &watch {
        findings.note(
            FindingCode::WorkflowResume,
            &subject,
            format!("it was not looked at: {why}"),
            "run this once with a token that may read it (actions: read), as WORKFLOW_TOKEN with GITHUB_REPOSITORY or as GITHUB_TOKEN",
        );
    }
    if let Some(problem) = watch.problem() {
        let (what, fix) = problem.split_once(": ").unwrap_or((&problem, ""));
        findings.warning(
            FindingCode::WorkflowResume,
            &subject,
            format!("it {what}, so nobody goes on with what waits"),
            fix,
        );
    }
}

impl WorkflowReaders<'_> {
    /// Returns the client for a repository of workflows.
    fn client(&self, repository: &str) -> &github::Client {
        match self.own {
            Some((client, own)) if own.eq_ignore_ascii_case(repository) => client,
            _ => self.github,
        }
    }
}

async fn check_workflow(
    readers: &WorkflowReaders<'_>,
    workflow: &StartedWorkflow,
    guarded: Option<&str>,
    findings: &mut DoctorFindings,
) {
    let subject = workflow.subject();
    let reader = RepositoryReader {
        client: readers.client(&workflow.repository),
        name: &workflow.repository,
    };
    let Some(file) = read_file(&reader, workflow, &subject, findings).await else {
        return;
    };
    if let Some(config) = readers.ruled {
        owners::check(&reader, &file.branch, config, workflow.path(), findings).await;
    }
    let parsed = match ParsedWorkflow::parse(&file.text) {
        Ok(parsed) => parsed,
        Err(why) => {
            findings.error(
                FindingCode::WorkflowFile,
                &subject,
                format!("it is no workflow: {why}"),
                "`promote init --overwrite` writes one that works",
            );
            return;
        }
    };
    if reader.is_disabled(&workflow.file).await {
        findings.error(
            FindingCode::WorkflowFile,
            &subject,
            "it is disabled in GitHub: a click in Port starts nothing",
            "enable it on its page below the repository's Actions",
        );
    }
    check_inputs(&parsed, workflow.inputs.as_deref(), &subject, findings);
    check_permissions(&parsed, readers.grants, workflow, &subject, findings);
    let has_reviewers =
        check_environments(&parsed, &reader, &file.branch, guarded, &subject, findings).await;
    if !parsed.names_port_run() {
        let severity = if has_reviewers {
            Severity::Error
        } else {
            Severity::Warning
        };
        findings.add(
            severity,
            FindingCode::WorkflowRunName,
            &subject,
            "its runs are not called by the Port run that they work for, so `promote resume` cannot tell who let one start, or that one died",
            &format!("give it `run-name: {RUN_NAME}${{{{ fromJSON(inputs.port_payload).run_id }}}}`, as `promote init` does"),
        );
    }
}

/// The file of a workflow, and the branch that its runs are of.
struct WorkflowFile {
    branch: String,
    text: String,
}

/// Reads the file of a workflow. GitHub starts nothing that is not on the default branch, and then what is on the branch that
/// was named.
async fn read_file(
    reader: &RepositoryReader<'_>,
    workflow: &StartedWorkflow,
    subject: &str,
    findings: &mut DoctorFindings,
) -> Option<WorkflowFile> {
    let code = FindingCode::WorkflowFile;
    let needed = "contents: read";
    let mut branch = match reader.default_branch().await {
        Ok(branch) => branch,
        Err(error) => {
            add_unread(&error, code, subject, needed, findings);
            return None;
        }
    };
    let mut named = workflow.branch.iter();
    loop {
        match reader.file(&workflow.path(), &branch).await {
            Ok(text) => match named.next() {
                Some(next) => branch.clone_from(next),
                None => return Some(WorkflowFile { branch, text }),
            },
            Err(error) if error.says(404, "") => {
                let path = workflow.path();
                findings.error(
                    code,
                    subject,
                    format!("the branch `{branch}` has no {path}: a click in Port starts nothing"),
                    "commit and push what `promote init` wrote, or correct the workflow that the action names",
                );
                return None;
            }
            Err(error) => {
                add_unread(&error, code, subject, needed, findings);
                return None;
            }
        }
    }
}

/// Checks that GitHub takes what the action sends: it refuses unknown inputs, and missing ones that are required.
fn check_inputs(
    parsed: &ParsedWorkflow,
    sent: Option<&[String]>,
    subject: &str,
    findings: &mut DoctorFindings,
) {
    let Some(taken) = parsed.dispatch_inputs() else {
        findings.error(
            FindingCode::WorkflowFile,
            subject,
            "it has no `workflow_dispatch`, so Port cannot start it",
            "add `workflow_dispatch` with the inputs that the action sends: `promote init` writes such a file",
        );
        return;
    };
    let Some(sent) = sent else { return };
    let is_taken = |name: &&String| !taken.iter().any(|input| input.name == name.as_str());
    let unknown: Vec<&str> = sent.iter().filter(is_taken).map(String::as_str).collect();
    let missing: Vec<&str> = taken
        .iter()
        .filter(|input| input.is_needed && !sent.iter().any(|name| name == input.name))
        .map(|input| input.name)
        .collect();
    for (names, what) in [
        (unknown, "the action sends inputs that it does not take"),
        (missing, "it requires inputs that the action does not send"),
    ] {
        if !names.is_empty() {
            findings.error(
                FindingCode::WorkflowInputs,
                subject,
                format!("{what}, and GitHub refuses to start it then: {}", names.join(", ")),
                "make the inputs of `workflow_dispatch` and the action's `workflowInputs` the same; `promote init` sets both",
            );
        }
    }
}

/// Checks that the workflow's token may do what is granted, as far as the file says what it may.
fn check_permissions(
    parsed: &ParsedWorkflow,
    grants: &Grants,
    workflow: &StartedWorkflow,
    subject: &str,
    findings: &mut DoctorFindings,
) {
    let mut needed = BTreeMap::new();
    if parsed.acts_with_own_token() {
        let all = permissions(grants, &workflow.repository).into_iter();
        // `github.read` grants more reads than most policies make: what is written is needed.
        let own = all.filter(|(_, level)| level == "write");
        needed.extend(own.map(|(name, level)| (name.replace('_', "-"), level)));
    }
    if grants.mention(Operation::ReadReviews) {
        needed.insert("actions".to_owned(), "read".to_owned());
    }
    let lacking = parsed.lacking(&needed);
    if lacking.is_empty() {
        return;
    }
    let stops = ["contents", "pull-requests"];
    let is_needed = |line: &String| stops.iter().any(|name| line.starts_with(name));
    let severity = if lacking.iter().any(is_needed) {
        Severity::Error
    } else {
        Severity::Warning
    };
    findings.add(
        severity,
        FindingCode::WorkflowPermissions,
        subject,
        format!(
            "its token lacks what promote.toml grants: {}",
            lacking.join(", ")
        ),
        "add these to `permissions` of its job, as `promote init` does, or take the grants back",
    );
}

/// Checks where the jobs run, and returns whether reviewers must let one start.
async fn check_environments(
    parsed: &ParsedWorkflow,
    reader: &RepositoryReader<'_>,
    branch: &str,
    guarded: Option<&str>,
    subject: &str,
    findings: &mut DoctorFindings,
) -> bool {
    let mut has_reviewers = false;
    for job in parsed.environments() {
        match job {
            JobEnvironment::Elsewhere => findings.note(
                FindingCode::WorkflowEnvironment,
                subject,
                "an expression or another workflow says in which environment its job runs: that was not checked",
                "see that it is the one that promote.toml names, for the default branch only",
            ),
            JobEnvironment::Missing => findings.warning(
                FindingCode::WorkflowEnvironment,
                subject,
                "its job runs in no environment: its secrets are those of the repository, which every workflow on every branch can read",
                "name an environment at the job, with the secrets in it, for the default branch only",
            ),
            JobEnvironment::Named(name) => {
                if let Some(guarded) = guarded.filter(|it| !it.eq_ignore_ascii_case(name)) {
                    findings.error(
                        FindingCode::WorkflowEnvironment,
                        subject,
                        format!("its job runs in the environment `{name}`, and promote.toml says `{guarded}`: `promote resume` asks the wrong reviewers"),
                        "write the job's environment into `[workflow]` of promote.toml",
                    );
                }
                let is_reviewed = environment::check(reader, name, branch, subject, findings).await;
                has_reviewers |= is_reviewed;
                if is_reviewed && guarded.is_none() {
                    findings.warning(
                        FindingCode::WorkflowEnvironment,
                        subject,
                        format!("its environment `{name}` has reviewers, and promote.toml does not name it: `promote resume` merges nothing"),
                        &format!("add `[workflow]` with `environment = \"{name}\"` to promote.toml"),
                    );
                }
            }
        }
    }
    has_reviewers
}

/// Says that something could not be looked up.
pub(super) fn add_unread(
    error: &ServiceError,
    code: FindingCode,
    subject: &str,
    permission: &str,
    findings: &mut DoctorFindings,
) {
    let severity = match Severity::of_error(error) {
        Severity::Unknown => Severity::Unknown,
        _ => Severity::Note,
    };
    findings.add(
        severity,
        code,
        subject,
        format!("it was not looked at: {error}"),
        &format!("run this once with a token that may read it ({permission}), as WORKFLOW_TOKEN with GITHUB_REPOSITORY or as GITHUB_TOKEN"),
    );
}

/// Reads a repository of workflows.
pub(super) struct RepositoryReader<'a> {
    client: &'a github::Client,
    pub(super) name: &'a str,
}

impl RepositoryReader<'_> {
    pub(super) async fn read(&self, below: String) -> ServiceResult<HttpAnswer> {
        match self.client.repo(self.name) {
            Ok(repository) => repository.read(below).await,
            Err(failure) => Err(ServiceError::Malformed(describe(&failure).to_owned())),
        }
    }

    async fn default_branch(&self) -> ServiceResult<String> {
        self.read(String::new()).await?.field("default_branch")
    }

    pub(super) async fn protection(&self, branch: &str) -> Result<BranchProtection, Failure> {
        self.client.repo(self.name)?.protection(branch).await
    }

    pub(super) async fn file(&self, path: &str, branch: &str) -> ServiceResult<String> {
        let target = format!("/contents/{path}?ref={}", seg(branch));
        let content: String = self.read(target).await?.field("content")?;
        let content: String = content.split_ascii_whitespace().collect();
        let unreadable = || ServiceError::Malformed(format!("{path} is no text"));
        let bytes = BASE64_STANDARD.decode(content).map_err(|_| unreadable())?;
        String::from_utf8(bytes).map_err(|_| unreadable())
    }

    /// Whether GitHub says that the workflow is switched off; an answer is not needed.
    async fn is_disabled(&self, file: &str) -> bool {
        let found = self.read(format!("/actions/workflows/{}", seg(file))).await;
        let state = found.and_then(|answer| answer.field::<String>("state"));
        state.is_ok_and(|state| state.starts_with("disabled"))
    }
}
