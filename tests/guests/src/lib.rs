//! What the guests share: [`guest!`], the contract's bindings for one world, and [`steps!`], the steps of a promotion.

#[doc(hidden)]
pub use wit_bindgen;

/// Makes the crate a policy for a world of the contract: the bindings, a type `Policy` that is exported and describes
/// itself under the crate's name, with a schema of its settings that allows anything unless it is given. The crate itself
/// gives `Policy` its `promote`.
#[macro_export]
macro_rules! guest {
    (world: $world:literal) => {
        $crate::guest!(world: $world, schema: r#"{"type": "object"}"#.to_owned());
    };
    (world: $world:literal, schema: $schema:expr) => {
        #[allow(
            missing_docs,
            unsafe_code,
            unreachable_pub,
            dead_code,
            clippy::all,
            reason = "generated"
        )]
        mod contract {
            $crate::wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                runtime_path: "promote_guests::wit_bindgen::rt",
            });
            // As a native library, which it becomes with the whole workspace, it has no entry points.
            #[cfg(target_arch = "wasm32")]
            export!(Policy);

            pub use exports::promote::policy::promotion::Guest as Promotion;
            pub use promote::policy::types::*;

            /// The policy.
            pub struct Policy;

            impl exports::promote::policy::about::Guest for Policy {
                fn describe() -> exports::promote::policy::about::Description {
                    exports::promote::policy::about::Description {
                        name: env!("CARGO_CRATE_NAME").to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        summary: "A guest of the tests".to_owned(),
                        settings_schema: $schema,
                    }
                }
            }
        }
    };
}

/// Defines `steps`: what a promotion of the sample world consists of, for guests of the world `promote` that do one
/// step of it wrongly.
#[macro_export]
macro_rules! steps {
    () => {
        #[allow(dead_code, reason = "no guest takes every step")]
        mod steps {
            use super::contract::promote::policy::github_merge::{self, Merged};
            use super::contract::promote::policy::github_propose::{self, FileChange, Proposal};
            use super::contract::promote::policy::github_read::{
                self, File, MergeMethod, PullRequest,
            };
            use super::contract::promote::policy::port_read;
            use super::contract::promote::policy::port_write::{self, Change};
            use super::contract::promote::policy::types::Promotion;
            use super::contract::{
                Entity, EntityKey, Failure, Outcome, Reason, ReasonCure, Relation, Request,
                StopPoint,
            };

            pub(crate) const REPOSITORY: &str = "acme/gitops";
            pub(crate) const MANIFEST: &str = "apps/web/prod/deployment.yaml";
            pub(crate) const BRANCH: &str = "promote/web/guest";

            /// Which of its misdeeds the guest is set to do.
            pub(crate) fn deed(request: &Request) -> &str {
                let found = request.settings.split_once(r#""deed":""#);
                let deed = found.and_then(|(_, rest)| rest.split('"').next());
                deed.unwrap_or_default()
            }

            pub(crate) fn manifest() -> Result<File, Failure> {
                github_read::read_file(REPOSITORY, MANIFEST, "main")?
                    .ok_or_else(|| Failure::NotFound(MANIFEST.to_owned()))
            }

            pub(crate) fn propose(file: &File, content: String) -> Result<PullRequest, Failure> {
                propose_from(BRANCH, file, content)
            }

            pub(crate) fn propose_from(
                head: &str,
                file: &File,
                content: String,
            ) -> Result<PullRequest, Failure> {
                github_propose::propose(&Proposal {
                    repository: REPOSITORY.to_owned(),
                    base: "main".to_owned(),
                    base_commit: file.commit.clone(),
                    head: head.to_owned(),
                    title: "A guest's proposal".to_owned(),
                    body: String::new(),
                    changes: vec![FileChange {
                        path: file.path.clone(),
                        content,
                        expected_blob: file.blob.clone(),
                    }],
                    image: None,
                })
            }

            /// Proposes the one right change.
            pub(crate) fn propose_image() -> Result<PullRequest, Failure> {
                let file = manifest()?;
                propose(&file, file.content.replace("web:1.4.1", "web:1.4.2"))
            }

            pub(crate) fn merge(pull: &PullRequest) -> Result<Merged, Failure> {
                github_merge::merge(
                    REPOSITORY,
                    pull.number,
                    &pull.head_commit,
                    MergeMethod::Squash,
                )
            }

            pub(crate) fn look_up(image: &str) -> Result<Option<Entity>, Failure> {
                port_read::get_entity(&EntityKey {
                    blueprint: "image".to_owned(),
                    identifier: image.to_owned(),
                })
            }

            /// Points production at an image of the catalog.
            pub(crate) fn record(image: &str) -> Result<Entity, Failure> {
                let production = EntityKey {
                    blueprint: "running_service".to_owned(),
                    identifier: "web-prod".to_owned(),
                };
                let image = Relation {
                    name: "image".to_owned(),
                    targets: vec![image.to_owned()],
                };
                let change = Change {
                    title: None,
                    properties: None,
                    relations: vec![image],
                };
                port_write::update_entity(&production, &change)
            }

            pub(crate) fn promoted(image: &str) -> Result<Outcome, Failure> {
                Ok(Outcome::Promoted(Promotion {
                    image: image.to_owned(),
                    previous_image: None,
                    pull_request: None,
                    commit: None,
                    is_rollback: false,
                }))
            }

            pub(crate) fn unchanged(image: &str) -> Result<Outcome, Failure> {
                promoted(image).map(|outcome| match outcome {
                    Outcome::Promoted(promotion) => Outcome::Unchanged(promotion),
                    other => other,
                })
            }

            pub(crate) fn refused(message: impl Into<String>) -> Result<Outcome, Failure> {
                let rule = env!("CARGO_CRATE_NAME").to_owned();
                let message = message.into();
                Ok(Outcome::Refused(vec![Reason {
                    rule,
                    message,
                    stops: StopPoint::Propose,
                    cure: ReasonCure::Nothing,
                }]))
            }
        }
    };
}
