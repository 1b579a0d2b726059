//! Every environment variable that `promote` reads, in one place: the reference and the manual are made of this list.

/// A variable with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct EnvironmentVariable {
    /// The name.
    pub name: &'static str,
    /// True if it is a secret, which a file that `NAME_FILE` names may hold instead.
    pub is_secret: bool,
    /// The value, in the middle of a sentence.
    pub meaning: &'static str,
}

const fn plain(name: &'static str, meaning: &'static str) -> EnvironmentVariable {
    EnvironmentVariable {
        name,
        is_secret: false,
        meaning,
    }
}

const fn secret(name: &'static str, meaning: &'static str) -> EnvironmentVariable {
    EnvironmentVariable {
        name,
        is_secret: true,
        meaning,
    }
}

pub(crate) const PORT_API_URL: &str = "PORT_API_URL";
pub(crate) const PORT_CLIENT_ID: &str = "PORT_CLIENT_ID";
pub(crate) const PORT_CLIENT_SECRET: &str = "PORT_CLIENT_SECRET";
pub(crate) const GITHUB_TOKEN: &str = "GITHUB_TOKEN";
pub(crate) const GITHUB_APP_ID: &str = "GITHUB_APP_ID";
pub(crate) const GITHUB_APP_PRIVATE_KEY: &str = "GITHUB_APP_PRIVATE_KEY";
pub(crate) const WORKFLOW_TOKEN: &str = "WORKFLOW_TOKEN";
pub(crate) const PROMOTE_CACHE_DIR: &str = "PROMOTE_CACHE_DIR";
pub(crate) const PROMOTE_REGISTRY: &str = "PROMOTE_REGISTRY";
pub(crate) const PROMOTE_REGISTRY_USER: &str = "PROMOTE_REGISTRY_USER";
pub(crate) const PROMOTE_REGISTRY_PASSWORD: &str = "PROMOTE_REGISTRY_PASSWORD";
pub(crate) const PROMOTE_REGISTRY_URL: &str = "PROMOTE_REGISTRY_URL";
pub(crate) const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
pub(crate) const NO_COLOR: &str = "NO_COLOR";
pub(crate) const TERM: &str = "TERM";
pub(crate) const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
pub(crate) const HOME: &str = "HOME";
pub(crate) const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
pub(crate) const GITHUB_API_URL: &str = "GITHUB_API_URL";
pub(crate) const GITHUB_SERVER_URL: &str = "GITHUB_SERVER_URL";
pub(crate) const GITHUB_EVENT_PATH: &str = "GITHUB_EVENT_PATH";
pub(crate) const GITHUB_OUTPUT: &str = "GITHUB_OUTPUT";
pub(crate) const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
pub(crate) const GITHUB_REPOSITORY: &str = "GITHUB_REPOSITORY";
pub(crate) const GITHUB_RUN_ID: &str = "GITHUB_RUN_ID";
pub(crate) const GITHUB_RUN_ATTEMPT: &str = "GITHUB_RUN_ATTEMPT";
pub(crate) const GITHUB_SHA: &str = "GITHUB_SHA";
pub(crate) const GITHUB_WORKFLOW_REF: &str = "GITHUB_WORKFLOW_REF";
pub(crate) const GITHUB_ACTOR: &str = "GITHUB_ACTOR";
pub(crate) const GITHUB_TRIGGERING_ACTOR: &str = "GITHUB_TRIGGERING_ACTOR";
pub(crate) const RUNNER_TEMP: &str = "RUNNER_TEMP";

/// Every variable: what people set first, then what the runner sets.
pub const VARIABLES: &[EnvironmentVariable] = &[
    plain(PORT_API_URL, "Port's API, for another region than Europe"),
    plain(PORT_CLIENT_ID, "Port's client id"),
    secret(PORT_CLIENT_SECRET, "Port's client secret"),
    secret(GITHUB_TOKEN, "a token that may do what the grants allow"),
    plain(
        GITHUB_APP_ID,
        "id or client id of a GitHub App, instead of a token",
    ),
    secret(GITHUB_APP_PRIVATE_KEY, "the App's private key, PEM"),
    secret(
        WORKFLOW_TOKEN,
        "a token that may read the workflow runs of GITHUB_REPOSITORY, for `resume`, for approvals of environments, and for a run that begins to wait",
    ),
    plain(
        PROMOTE_CACHE_DIR,
        "the folder for compiled policies and components from registries; `promote` in the user's cache folder unless set",
    ),
    plain(
        PROMOTE_REGISTRY,
        "the registry that the next two are for, as references spell it",
    ),
    plain(PROMOTE_REGISTRY_USER, "the user name in that registry"),
    secret(PROMOTE_REGISTRY_PASSWORD, "the password or token there"),
    plain(
        PROMOTE_REGISTRY_URL,
        "the address at which every registry of images is asked in place of its own",
    ),
    plain(
        DOCKER_CONFIG,
        "the folder of docker's configuration; `.docker` in HOME unless set",
    ),
    plain(NO_COLOR, "any value turns colours off; `--color` wins"),
    plain(TERM, "`dumb` turns colours off; `--color` wins"),
    plain(
        XDG_CACHE_HOME,
        "the user's cache folder; `.cache` in HOME unless set",
    ),
    plain(HOME, "the user's own folder"),
    plain(
        GITHUB_ACTIONS,
        "`true` on a runner: annotations, masks and groups are printed",
    ),
    plain(GITHUB_API_URL, "GitHub's API; set by the runner"),
    plain(GITHUB_SERVER_URL, "GitHub for people; set by the runner"),
    plain(
        GITHUB_EVENT_PATH,
        "the event that started the workflow, with Port's message; set by the runner",
    ),
    plain(
        GITHUB_OUTPUT,
        "the file for the step's outputs; set by the runner",
    ),
    plain(
        GITHUB_STEP_SUMMARY,
        "the file for the step's summary; set by the runner",
    ),
    plain(
        GITHUB_REPOSITORY,
        "the workflow's repository; set by the runner",
    ),
    plain(GITHUB_RUN_ID, "the workflow run; set by the runner"),
    plain(GITHUB_RUN_ATTEMPT, "its attempt, from 1; set by the runner"),
    plain(
        GITHUB_SHA,
        "the commit that the workflow runs at; set by the runner",
    ),
    plain(
        GITHUB_WORKFLOW_REF,
        "the workflow's file, with its branch or tag; set by the runner",
    ),
    plain(
        GITHUB_ACTOR,
        "whose event started the workflow; set by the runner",
    ),
    plain(
        GITHUB_TRIGGERING_ACTOR,
        "who started this attempt; set by the runner",
    ),
    plain(
        RUNNER_TEMP,
        "a folder that is emptied after the job, for journals; set by the runner",
    ),
];

/// Returns whether a variable, or the one that names a file with its value, is in the list.
pub(crate) fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|variable| {
        name == variable.name
            || variable.is_secret && name.strip_suffix("_FILE") == Some(variable.name)
    })
}
