//! The rules of the host, which hold for every policy, and those of the built-in policy, whose settings are in
//! `plugin/README.md`.

use super::code::{CodeExplanation, CodeKind};

const fn rule(code: &'static str, means: &'static str, remedy: &'static str) -> CodeExplanation {
    CodeExplanation {
        code,
        kind: CodeKind::Rule,
        means,
        remedy,
    }
}

/// First the host's own; then what must be found, then what must hold, then what can come in between.
pub(super) const ALL: &[CodeExplanation] = &[
    rule(
        "port-run",
        "The host's own rule: the Port run is about no entity, has ended already, or has a status that the host does not know. A run that has ended goes on only in a re-run of the workflow run that it started.",
        "start the action in Port again. An action that is started on no entity must become one with operation DAY-2.",
    ),
    rule(
        "approval",
        "The host's own rule: the Port run still waits for approval, or was declined. Nothing is started before somebody approves it in Port.",
        "have it approved in Port, which then starts the workflow itself. A workflow that somebody dispatches by hand starts nothing.",
    ),
    rule(
        "action",
        "The host's own rule: the Port run belongs to an action that `[port.actions]` of promote.toml does not name.",
        "if runs of this action are meant to promote, add it: `[port.actions]` with `promote` or `rollback`. Otherwise find out who dispatched the workflow with the run of another action.",
    ),
    rule(
        "merge-status",
        "The host's own rule: a `[[rule]]` is enforced, and the policy leaves the merge to GitHub, which asks no rule. Rules hold such a merge only by the commit status `promote` that the branch requires.",
        "grant `github.status` for the repository and its base, and have the branch require the status `promote`; or set `mode` to `merge` or `checks`. A merge queue cannot be held: set the rules to `mode = \"monitor\"` there.",
    ),
    rule(
        "plan",
        "The host's own rule: the run keeps to an approved plan and would wait before its pull request is open. Nobody who went on with it later could tell what was approved.",
        "start the action again once what it would wait for is over, plan anew, and have that approved.",
    ),
    rule(
        "payload",
        "The host's own rule: the message is about one entity, and the Port run that it names is about another.",
        "start the action in Port. If that leads here as well, the action's `workflowInputs` mix two entities: `promote init` sets them.",
    ),
    rule(
        "service",
        "The entity that the action was started on is not in Port's catalog: deleted since, or of another organisation.",
        "start the action on a service that exists, with credentials of the same Port organisation.",
    ),
    rule(
        "staging",
        "The runtime that the image comes from is not known: the service has no relation to it, or its entity is missing.",
        "set the service's relation in Port (`test_runtime` unless `policy.settings.staging` names another).",
    ),
    rule(
        "production",
        "The runtime that the image goes to is not known: the service has no relation to it, or its entity is missing.",
        "set the service's relation in Port (`prod_runtime` unless `policy.settings.production` names another).",
    ),
    rule(
        "image",
        "The image to promote is not known, or cannot be written as a reference.",
        "check in Port that staging's relation `image` points at an image entity that has what `policy.settings.reference` uses.",
    ),
    rule(
        "digest",
        "The setting `digest` requires a digest, and the catalog knows none for this image.",
        "have the build write the digest into the image entity (`policy.settings.digest_property`), or set `digest = \"prefer\"`.",
    ),
    rule(
        "manifest",
        "The file or the value to change was not found, or is not one that can be changed safely: a template, an alias, a block.",
        "correct `policy.settings.manifest` (`path`, `image`, `document`) or the runtime's property that the path is made of; the message has line and column.",
    ),
    rule(
        "repository",
        "The manifest holds an image of another repository than the new one: most likely the wrong container or the wrong entity.",
        "check `manifest.image` and the image entity; if the change is meant, set `allow_other_repository = true`.",
    ),
    rule(
        "exists",
        "The registry has no such image, or does not let this run see it: what would be promoted could not be pulled.",
        "push the image, correct the image entity, or give this run a login for the registry; `policy.settings.exists` says when it is asked.",
    ),
    rule(
        "moved-tag",
        "The tag stands for another image in its registry than the one that the catalog knows: somebody has pushed over it.",
        "push the tested image again under a tag of its own, or have the build write the new digest into the image entity.",
    ),
    rule(
        "mutable-tag",
        "The tag may mean another image tomorrow, such as `latest`, so nobody could say later what production ran.",
        "promote a version or a digest: `policy.settings.reference` and `digest`; the list is `mutable_tags`.",
    ),
    rule(
        "downgrade",
        "The image is older than the one in the manifest, by version or by the time of its push.",
        "promote a newer image; to roll back, use an action whose settings have `allow_downgrade = true`.",
    ),
    rule(
        "lock",
        "The service is locked for production: the property that `policy.settings.lock` names (`locked_in_prod`) is set.",
        "ask whoever set the lock; the message has their reason. Then set the property to false in Port.",
    ),
    rule(
        "freeze",
        "Promotions are frozen now: a window, a holiday, or a line in the freeze file.",
        "wait until the time that the message names, or ask somebody who is exempt; windows are in `policy.settings.freeze`.",
    ),
    rule(
        "health",
        "Staging is not healthy or not in sync, or its manifest does not hold the image that the catalog claims.",
        "look at staging in Argo CD; when Port shows it as healthy and synced, run the action again.",
    ),
    rule(
        "soak",
        "The image has not been in staging for as long as `policy.settings.soak.at_least` asks, or since when is not known.",
        "wait until the time that the message names; in an emergency use an action with other settings.",
    ),
    rule(
        "freshness",
        "The catalog has changed since somebody clicked: what they saw is not what would be promoted.",
        "look at the service in Port again, then start the action again.",
    ),
    rule(
        "people",
        "Who started the action is neither a named user nor in an allowed team.",
        "ask one of them to start it; the lists are `policy.settings.people.users` and `teams`.",
    ),
    rule(
        "four-eyes",
        "Who started the action is the author of the image, or it is not known whether they are.",
        "somebody else starts the action.",
    ),
    rule(
        "approvals",
        "Too few people have approved what `policy.settings.approvals` names. Nobody's approval of their own work counts, nor a bot's, nor that of an older commit, nor of somebody without write access.",
        "have somebody else approve what the message names; for an image, merge a change with enough approvals and promote the image that is built from it.",
    ),
    rule(
        "provenance",
        "The image's commit is not known, or is not on the branch of the repository that `policy.settings.provenance` names.",
        "promote an image that was built from that branch; have the build write the commit into the image entity.",
    ),
    rule(
        "built-by",
        "No verified attestation proves that the workflow of `policy.settings.provenance.built_by` built the image, from the repository and the branch that it names.",
        "have that workflow build the image and attest it (`actions/attest-build-provenance`), then promote it; if another build is meant, correct `built_by`, `ref` or `issuer`.",
    ),
    rule(
        "checks",
        "A check of the pull request failed, so it was not merged. It is still open.",
        "look at the check; after a fix and a new run of it, run the action again. Close the pull request to give up.",
    ),
    rule(
        "closed",
        "A person closed the pull request of this promotion: that is a no, and it is not opened again.",
        "talk to whoever closed it. To promote after all, reopen the pull request and run the action again.",
    ),
    rule(
        "branch",
        "The branch of this promotion holds commits of somebody else, or another proposal than the plan that was approved for the run, or is in a state that the policy does not touch.",
        "look at the branch that the message names; delete it, or merge what is on it yourself, then run the action again.",
    ),
    rule(
        "chain",
        "The chain of environments and the run's input do not fit together: there is no such step, or it has no predecessor.",
        "start the action with an environment that `policy.settings.chain` names.",
    ),
    rule(
        "rollback",
        "There is nothing to go back to: git knows no earlier image of this manifest, or it is not safe to tell which.",
        "promote the image that you want by its own action, or correct what the message names.",
    ),
    rule(
        "rolled-back",
        "Somebody has rolled this image back since it was promoted last.",
        "promote another image; if this one is to be promoted again, start the action with the input that the message names.",
    ),
    rule(
        "unrecorded",
        "Somebody has merged another image than promote proposed, and it cannot tell which image of the catalog that is.",
        "add the image to Port's catalog, and the next resume records it; or set the relation of the runtime yourself. With the setting `rollback` every image of the repository is looked through.",
    ),
    rule(
        "series",
        "This change has been made and undone so often that the policy takes it for a quarrel.",
        "find out who reverts it; delete the old `promote/…` branches to start over.",
    ),
    rule(
        "settings",
        "A setting of `promote.toml` cannot be used: its text is not what it should be.",
        "correct the setting that the message names; `promote inspect --format json` shows the schema.",
    ),
    rule(
        "grants",
        "The grants of promote.toml do not allow a change that the settings ask for, such as an image in the place of one from another repository.",
        "decide with whoever reviews promote.toml: allow it in the grant, such as with `changes = \"images\"` or a key in `keys`, or change the setting that asks for it.",
    ),
    rule(
        "left-behind",
        "A warning, not a refusal: another image of the same repository in the same file stays on its version.",
        "if it should change as well, such as an init container's, add it to `policy.settings.manifest`.",
    ),
];
