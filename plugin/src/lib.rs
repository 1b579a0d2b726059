//! The default promotion policy: what a good release engineer does by hand, as a sandboxed component.
//!
//! Read it in this order; teams are meant to copy it and change a part.
//!
//! - [`settings`]: what an operator may decide, and [`template`]: how a setting names something in Port's catalog;
//! - [`facts`]: what a decision rests on, and [`gather`]: how it is read;
//! - [`gates`]: the rules, one file each, every one a pure function of the facts;
//! - [`flow`]: the sequence of calls, over the small trait [`host::PolicyHost`];
//! - [`image`], [`yaml`], [`catalog`], [`text`]: what images, manifests, entities and pull requests look like.
//!
//! Nothing here touches files, sockets, clocks or random numbers. All that the policy can do is in `wit/`.

pub mod calendar;
pub mod facts;
pub mod flow;
pub mod gates;
pub mod gather;
pub mod held;
pub mod holder;
pub mod host;
pub mod image;
pub mod layout;
pub mod settings;
pub mod text;
pub mod time;
pub mod version;
pub mod yaml;

#[cfg(test)]
mod fake;

pub use promote_guest::{catalog, template, types};

use promote_guest::contract::{about, promotion};
use types::{Failure, Outcome, Request};

/// The policy; its exports make the component.
#[derive(Debug)]
pub struct Policy;

impl promotion::Guest for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        flow::promote(&mut host::HostImports, &request)
    }
}

impl about::Guest for Policy {
    fn describe() -> about::Description {
        about::Description {
            name: "promote-default".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "promotes the image that one environment runs to the next, by a pull request that changes nothing else"
                .to_owned(),
            settings_schema: settings::SCHEMA.to_owned(),
        }
    }
}

promote_guest::export!(Policy);
