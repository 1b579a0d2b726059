//! `people` and `four-eyes`: who may promote, and that nobody promotes their own image.

use super::reason;
use crate::catalog::named;
use crate::facts::{Facts, is_same_person};
use crate::settings::{OnNo, People};
use crate::types::Reason;

/// Refuses who is neither named nor in an allowed team, and the author of the image.
pub fn check(facts: &Facts, settings: &People) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let actor = facts.actor.as_deref();
    if !settings.users.is_empty() || !settings.teams.is_empty() {
        let allowed =
            |list: &[String], name: &str| list.iter().any(|one| one.eq_ignore_ascii_case(name));
        let named_user = actor.is_some_and(|actor| allowed(&settings.users, actor));
        let in_team = facts
            .actor_teams
            .iter()
            .any(|team| allowed(&settings.teams, team));
        if !named_user && !in_team {
            let teams = if settings.teams.is_empty() {
                "none".to_owned()
            } else {
                settings.teams.join(", ")
            };
            reasons.push(reason(
                "people",
                format!(
                    "{} may not promote: neither a named user nor in an allowed team ({teams}); ask one of them",
                    shown(actor)
                ),
            ));
        }
    }
    if settings.four_eyes {
        match four_eyes(facts, actor) {
            FourEyes::Met => {}
            FourEyes::Unknown(why) => reasons.push(reason("four-eyes", why)),
            // The pull request asks for it: see `needs_review`.
            FourEyes::Own(_) if settings.on_no == OnNo::Wait => {}
            FourEyes::Own(what) => reasons.push(reason("four-eyes", what)),
        }
    }
    reasons
}

/// Whether somebody else has to approve the pull request, since who started the run is the author of the image.
pub fn needs_review(facts: &Facts, settings: &People) -> bool {
    let own = || four_eyes(facts, facts.actor.as_deref());
    settings.four_eyes && settings.on_no == OnNo::Wait && matches!(own(), FourEyes::Own(_))
}

/// Whether two people have looked at an image.
enum FourEyes {
    /// The author and somebody else.
    Met,
    /// Only its author, in words.
    Own(String),
    /// It is not known, and why.
    Unknown(String),
}

fn four_eyes(facts: &Facts, actor: Option<&str>) -> FourEyes {
    let Some(image) = &facts.image else {
        return FourEyes::Met;
    };
    let authors = match &facts.authors {
        Ok(authors) => authors,
        Err(what) => return FourEyes::Unknown(format!("the author is not known, {what}")),
    };
    let Some(actor) = actor else {
        return FourEyes::Unknown(
            "who started the run is not known, so it may be the author".to_owned(),
        );
    };
    let is_author = |author: &String| is_same_person(author, actor) || facts.is_starter(author);
    if !authors.iter().any(is_author) {
        return FourEyes::Met;
    }
    FourEyes::Own(format!(
        "{} is the author of {}: somebody else must promote it",
        shown(Some(actor)),
        named(&image.key)
    ))
}

fn shown(actor: Option<&str>) -> String {
    actor.map_or_else(
        || "somebody unknown".to_owned(),
        |actor| format!("`{}`", actor.escape_debug()),
    )
}
