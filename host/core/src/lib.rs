//! The trusted core of `promote`: everything that decides, holds a credential, enforces a limit or makes a write.
//!
//! A policy is code that nobody here trusts. It runs in a sandbox, and all that it can do is ask: read this entity, propose
//! this change, merge this pull request. Each question is a [`Call`](call::Call), a value like any other. This crate decides
//! about it, writes it down, makes it or refuses it, and at the end of a run says what became of the promotion.
//!
//! # The idea in one example
//!
//! A call is data, the operator's grants are data, and between them stands a pure function:
//!
//! ```
//! use promote_core::call::Call;
//! use promote_core::contract::EntityKey;
//! use promote_core::grants::{Grants, ResolvedGrants};
//! use promote_core::limits::{Budget, Limits};
//!
//! # #[derive(serde::Deserialize)]
//! # struct Config { grants: Grants }
//! # fn parse(text: &str) -> Grants { toml::from_str::<Config>(text).unwrap().grants }
//! // What promote.toml says, filled in with what Port says of the service.
//! let grants = parse(r#"
//!     [[grants]]
//!     allow = ["port.get-entity"]
//!     blueprint = "running_service"
//!     entity = "{service.relations.prod_runtime}"
//! "#);
//! let service = serde_json::json!({ "service": { "relations": { "prod_runtime": "web-prod" } } });
//! let grants = ResolvedGrants::new(&grants, &service)?;
//! let mut budget = Budget::new(Limits::default());
//!
//! // What a policy asks for.
//! let read = |identifier: &str| Call::GetEntity {
//!     key: EntityKey { blueprint: "running_service".into(), identifier: identifier.into() },
//! };
//! for (call, is_allowed) in [(read("web-prod"), true), (read("payments-prod"), false)] {
//!     budget.admit(&call)?;
//!     let (operation, targets) = call.targets().unwrap();
//!     let decision = targets.iter().all(|target| grants.allow(operation, target).is_some());
//!     assert_eq!(decision, is_allowed, "{call}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a run the [`Gate`](gate::Gate) does this, and more: it is the only way from a policy to a service.
//!
//! # The chapters
//!
//! Whoever must trust `promote` with production reads them in this order; each page says where to begin, and what it must
//! never do.
//!
//! | | | begin with |
//! |---|---|---|
//! | 1 | [`contract`]: the words between host and policy, made from `wit/` | [`contract::Request`], [`contract::Outcome`] |
//! | 2 | [`call`]: each call of a policy as a value | [`call::Call`] |
//! | 3 | [`grants`]: the operator's word, from text to match; nothing is allowed that no grant names | [`grants::ResolvedGrants`] |
//! | 4 | [`limits`]: how much a run may use | [`limits::Budget`] |
//! | 5 | [`gate`]: the one door: journal, limits, grants and evidence, in this order | [`gate::Gate`], [`gate::Admitted`] |
//! | 6 | [`journal`]: each call and its answer in a chain of sums, written before the call is made | [`journal::Journal`] |
//! | 7 | [`policy`]: the sandbox, with no more memory, time or WASI than allowed, and native code | [`policy::Policy`], [`policy::engine::Engine`] |
//! | 8 | [`rule`]: rules of organisations and teams, which the gate asks before proposals and merges | [`rule::RuleInquiry`] |
//! | 9 | [`source`]: what answers an admitted call: the live services, answers read ahead, a dry run, an approved plan | [`source::Source`] |
//! | 10 | [`service`]: the clients of Port, GitHub and registries, over one transport; credentials exist only here | [`service::port::Client`], [`service::github::Client`] |
//! | 11 | [`run`](mod@run): one promotion, from the request to the last word; and what is resumed | [`run::run`], [`run::resume`] |
//! | 12 | [`text`]: foreign text, made harmless for a terminal, a runner or a page | [`text::line`](text::line()) |
//!
//! Small words that all of them use: [`id`] for identifiers, [`image`] for addresses of images, [`near`] for names that were
//! misspelt.
//!
//! # What is not here
//!
//! It parses no arguments, prints nothing, serves nothing and knows no mock. Files of operators are read by `promote-intake`,
//! which cannot make a call; the mock is a [`Transport`](service::transport::Transport) from outside.

pub mod call;
pub mod contract;
pub mod gate;
pub mod grants;
pub mod id;
pub mod image;
pub mod journal;
pub mod limits;
pub mod near;
pub mod policy;
pub mod rule;
pub mod run;
pub mod service;
pub mod source;
pub mod text;
