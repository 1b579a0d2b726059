//! The findings of `promote doctor`.

use super::code::{CodeExplanation, CodeKind};
use crate::finding::FindingCode;

const fn finding(code: FindingCode, means: &'static str, remedy: &'static str) -> CodeExplanation {
    CodeExplanation {
        code: code.name(),
        kind: CodeKind::Finding,
        means,
        remedy,
    }
}

/// First credentials, then what they reach, then the configuration, then services.
pub(super) const ALL: &[CodeExplanation] = &[
    finding(
        FindingCode::PortCredentials,
        "Port refuses the client id and secret, does not answer, or they are not set.",
        "take them from Port (… → Credentials); an account outside Europe needs PORT_API_URL.",
    ),
    finding(
        FindingCode::GithubCredentials,
        "GitHub refuses the token or the App's key, does not answer, or none is set.",
        "make a new one; a workflow passes it on as the action's input, from a secret.",
    ),
    finding(
        FindingCode::TokenWide,
        "The token could do far more than a promotion needs. The grants bind the policy, not a thief of the token.",
        "use a GitHub App: the host narrows its tokens to the grants and gives them back at the end.",
    ),
    finding(
        FindingCode::TokenExpiry,
        "The token ends within two weeks, and every promotion with it.",
        "renew it, or use a GitHub App.",
    ),
    finding(
        FindingCode::RepositoryAccess,
        "The repository is not there for these credentials, or they may not write to it.",
        "install the App in it with contents and pull requests: write, or correct the name in promote.toml.",
    ),
    finding(
        FindingCode::RepositoryArchived,
        "The GitOps repository is archived: GitHub takes no change.",
        "unarchive it, or name the one that is in use.",
    ),
    finding(
        FindingCode::BaseBranch,
        "The branch that production follows, or its rules, could not be read.",
        "check `policy.settings.base` and the `base` of the grants.",
    ),
    finding(
        FindingCode::MergeMethod,
        "The way of merging that the settings name is not allowed by the repository or the branch's rules.",
        "set `policy.settings.method`, or allow it.",
    ),
    finding(
        FindingCode::ChecksNeverStart,
        "The branch requires checks of GitHub Actions, and workflows on a pull request that GITHUB_TOKEN opens start only after a person with write access approves them (GitHub does this against loops): no promotion ends by itself.",
        "act as a GitHub App: `promote init --app`.",
    ),
    finding(
        FindingCode::ChecksRequired,
        "The branch requires checks, and the settings merge at once.",
        "set `policy.settings.mode` to `checks` or `auto-merge`.",
    ),
    finding(
        FindingCode::MergeQueue,
        "The branch merges through a queue, which a direct merge cannot do.",
        "set `policy.settings.mode = \"auto-merge\"`.",
    ),
    finding(
        FindingCode::BranchDemands,
        "The branch's rules ask for more than checks and approvals: code owners, resolved conversations, workflows, deployments, or that nobody updates it.",
        "none, if people or machines see to it: the run waits, and says for what. A branch that is locked needs a bypass for the App.",
    ),
    finding(
        FindingCode::CommitsUnsigned,
        "The branch takes signed commits only. GitHub signs commits that an App or GITHUB_TOKEN makes by its API, and none of a person's token.",
        "act as a GitHub App: `promote init --app` helps to make one.",
    ),
    finding(
        FindingCode::ReviewsRequired,
        "People must approve: a run waits, and `promote resume` goes on after the review.",
        "decide whether people or the policy approve; set `mode`, or let the App bypass the rule.",
    ),
    finding(
        FindingCode::RulesUnheld,
        "Rules are asked before every merge that `promote` makes. What people or auto-merge merge they hold only by the commit status `promote`, which the host keeps under the grant `github.status` and the branch must require. What a queue merges nothing holds, so an enforced rule refuses the queue.",
        "grant `github.status`, give the App commit statuses: write, and have the branch require the status `promote`. With a merge queue set the rules to `mode = \"monitor\"`.",
    ),
    finding(
        FindingCode::RulesUnguarded,
        "Rules and a baseline bind as far as promote.toml, promote.lock and the workflow do: who can change those without a review can leave the rules out.",
        "have CODEOWNERS name who reviews these files, and a ruleset of the branch require the review of code owners.",
    ),
    finding(
        FindingCode::Rules,
        "A `[[rule]]` of promote.toml or of the baseline: where it is written down, whether it is obeyed, and which component it is.",
        "none, unless it cannot be used: then correct what is said of it; `promote lock` shows whether it is the one that was reviewed.",
    ),
    finding(
        FindingCode::AutoMerge,
        "The settings ask for auto-merge, and the repository does not allow it.",
        "allow auto-merge in the repository's settings.",
    ),
    finding(
        FindingCode::LatePush,
        "Auto-merge pins nothing after it is armed: whatever somebody with write access pushes to the branch afterwards is merged with it, once the branch's rules are met. Nothing that these credentials can read of the branch demands a new approval after a push.",
        "require an approval of the most recent push, or dismiss stale approvals on a push, in the branch's rules; or set `policy.settings.mode = \"checks\"`, which merges one commit only.",
    ),
    finding(
        FindingCode::Blueprint,
        "A blueprint that the settings name is not in Port, or its entities cannot be read.",
        "`promote init` creates the guide's; else name yours: `runtime_blueprint`, `image_blueprint`.",
    ),
    finding(
        FindingCode::BlueprintRelation,
        "A relation that a promotion follows is missing or leads elsewhere.",
        "`promote init` adds it; else name yours: `staging`, `production`, `image_relation`.",
    ),
    finding(
        FindingCode::BlueprintProperty,
        "A rule reads a property that the blueprint has not got: it would never refuse.",
        "`promote init` adds it; else name yours in the rule's settings, or turn the rule off.",
    ),
    finding(
        FindingCode::PortAction,
        "The action is missing, starts something else, or leaves runs in progress when a workflow does not start.",
        "`promote init` sets it up and shows what changes.",
    ),
    finding(
        FindingCode::PortInstallation,
        "The action is started by an installation of Port's GitHub integration that Port does not have, or that does not process actions: a click starts nothing, and its run stays in progress.",
        "turn the processing of actions on for it, or `promote init --installation ID`.",
    ),
    finding(
        FindingCode::WorkflowFile,
        "A click in Port starts a workflow of GitHub by the name of its file. It is not on the branch where GitHub looks for it, is switched off, cannot be read as a workflow, or has no `workflow_dispatch`: the run in Port stays in progress, and nothing happens.",
        "commit and push what `promote init` wrote; `promote init --overwrite` writes it again. GitHub starts only what is on the default branch.",
    ),
    finding(
        FindingCode::WorkflowInputs,
        "GitHub refuses to start a workflow that is sent inputs which it does not name, or not sent one which it requires.",
        "make `workflow_dispatch.inputs` of the workflow and `workflowInputs` of Port's action the same; `promote init` sets both.",
    ),
    finding(
        FindingCode::WorkflowEnvironment,
        "The secrets of a promotion belong into an environment of GitHub, which the workflow's job names. It names none, one that is not there, or another than promote.toml does, so `promote resume` would not ask its reviewers.",
        "name the environment at the job and in `[workflow]` of promote.toml, make it in the repository's settings, and put the secrets into it.",
    ),
    finding(
        FindingCode::WorkflowBranches,
        "An environment says which branches may use it. If others than the default branch may, whoever pushes one reads the secrets by a workflow of their own; if the one on which Port starts the workflow may not, its job never starts.",
        "in the environment's settings, let selected branches use it, and name the default branch alone.",
    ),
    finding(
        FindingCode::WorkflowPermissions,
        "The workflow says what its token may do, and that is less than promote.toml grants: what needs the rest is refused by GitHub in every run.",
        "add the permission to the job that promotes (`promote init` writes what its own grants need), or take the grant out of promote.toml.",
    ),
    finding(
        FindingCode::WorkflowRunName,
        "By the name of a workflow run `promote resume` finds out for which run of Port it works, whether it still lives, and whether the environment's reviewers let it start. This workflow gives its runs another name.",
        "give it the `run-name` that `promote init` writes: `Port run` and the id of Port's run.",
    ),
    finding(
        FindingCode::WorkflowResume,
        "The workflow that goes on with what waits is not there, is switched off, or has not succeeded for a day. What people merge is not recorded then, and nothing that waits ends.",
        "commit what `promote init` wrote, enable it below the repository's Actions, or look at its last runs; `[workflow] resume` in promote.toml names a file of another name.",
    ),
    finding(
        FindingCode::TeamNeverFits,
        "A `[[team]]` rule asks for a team, and the blueprint of services has no ownership: Port keeps no teams of its entities then.",
        "turn ownership on for the blueprint; teams are named by their identifiers. Or choose by another property.",
    ),
    finding(
        FindingCode::LimitDeadline,
        "The settings let the policy wait for longer than `limits.wall` gives the whole run: it ends with exit code 4 before its own deadline, and what comes at the deadline never happens.",
        "raise `limits.wall` in promote.toml above the deadline, or shorten the deadline.",
    ),
    finding(
        FindingCode::CatalogBehind,
        "Git holds the image already and the catalog does not name it: somebody else merged it, or a run was cut off after its merge.",
        "promote the service once more: the run finds the work done and records it.",
    ),
    finding(
        FindingCode::PortActions,
        "`promote.toml` names no action of Port that may start a run, so no run can start.",
        "add `[port.actions]` with `promote = \"promote_to_production\"`, or the identifier of your action; `rollback` names actions that go back.",
    ),
    finding(
        FindingCode::Component,
        "The policy's component cannot be used: not the pinned digest, another contract, no component at all, or its registry does not send it.",
        "`promote inspect FILE` says what it is; go back to the one that was reviewed. `promote pull REFERENCE` asks the registry alone.",
    ),
    finding(
        FindingCode::ComponentUnpinned,
        "The policy is a file without `sha256`, and there is no promote.lock: whoever can change the file changes what promotes.",
        "`promote lock`, or pin it: `sha256` beside `component`.",
    ),
    finding(
        FindingCode::ComponentUnlocked,
        "A component is not the one that promote.lock names, is not in it, or was locked for another contract: nobody has reviewed what would run. A run ends with exit code 2 before it asks anything.",
        "`promote lock` shows the authority that was gained and lost, and writes promote.lock; have that change reviewed. If it was not meant, go back to the component that is locked.",
    ),
    finding(
        FindingCode::Settings,
        "A setting is unknown to the policy, or one that it needs is missing.",
        "correct promote.toml; `promote inspect --format json` shows the schema.",
    ),
    finding(
        FindingCode::SettingsUnmarked,
        "The policy does not say in its schema which of its settings a check of the set-up needs, or the setting is empty. Nothing is wrong with a run.",
        "set it in promote.toml; the policy's author marks a setting with `x-promote-role`, as plugin/GUIDE.md has it.",
    ),
    finding(
        FindingCode::GrantsNone,
        "There are no grants, or one cannot be read: every call would be denied.",
        "`promote init` writes the ones that the built-in policy needs.",
    ),
    finding(
        FindingCode::GrantWide,
        "A grant allows more than a promotion of one service needs.",
        "narrow it as the finding says; what is not granted, no policy can do.",
    ),
    finding(
        FindingCode::GrantNarrow,
        "The policy makes a call that is not granted: a run would end as a violation.",
        "add the grant that the finding spells out, if the policy should do this.",
    ),
    finding(
        FindingCode::GrantEvidence,
        "A grant to update the catalog after a merge does not say which files must hold the image, and the grants let more than one pattern of files be proposed. No file counts then, and the update is denied.",
        "add `in` with the files of this environment, such as `in = \"apps/{service.identifier}/prod/*.yaml\"`.",
    ),
    finding(
        FindingCode::GrantSearch,
        "A grant names entities and allows `port.search`, which always reads a whole blueprint. The grant allows no search.",
        "remove `port.search` from it, or put it into a grant of its own without `entity` if the policy may read the whole blueprint.",
    ),
    finding(
        FindingCode::GrantUnused,
        "An operation is granted that no plan used. It may be needed by a setting that is off, or by a failure.",
        "remove it if it is not.",
    ),
    finding(
        FindingCode::NoService,
        "There is no such service, or none that has a production runtime.",
        "set the relations of the service in Port.",
    ),
    finding(
        FindingCode::WouldRefuse,
        "A promotion of this service would be refused now. An error if the set-up is the reason, a note if it is a state that passes.",
        "`promote explain RULE` for the rule in brackets.",
    ),
    finding(
        FindingCode::WouldFail,
        "A promotion of this service would fail now: a call came back with a failure, or the policy hit a limit or crashed.",
        "do what the finding says.",
    ),
];
