//! The trusted core of `promote`: everything that decides, holds a credential, enforces a limit or makes a write.
//!
//! A reviewer who must trust `promote` with production reads this crate, in the order of its modules:
//!
//! 1. [`contract`] and [`call`]: the contract between host and policy, and each call of a policy as data.
//! 2. [`grants`] and [`limits`]: the operator's word, from text to match. Nothing is allowed that no grant names.
//! 3. [`gate`]: the one door. Journal, limits, grants and evidence, in this order; only the gate makes an
//!    [`Admitted`](gate::Admitted) call.
//! 4. [`journal`]: each call and its answer in a chain of sums, written before the call is made.
//! 5. [`policy`]: the sandbox, with no more memory, time or WASI than allowed, and native code.
//! 6. [`rule`]: rules of organisations and teams, which the gate asks before proposals and merges.
//! 7. [`source`]: what answers an admitted call: the live services, answers read ahead, a dry run, an approved plan.
//! 8. [`service`]: the clients of Port and GitHub, over one transport. Credentials exist only here.
//! 9. [`run`]: one promotion, from the request to the last word.
//! 10. [`text`]: foreign text, made harmless for a terminal, a runner or a page.
//!
//! It parses no arguments, prints nothing, serves nothing and knows no mock.

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
