//! `people` and `four-eyes`: who may promote, and that nobody promotes their own image.

use super::reason;
use crate::catalog::named;
use crate::facts::{Facts, is_same_person};
use crate::settings::People;
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
        reasons.extend(four_eyes(facts, actor));
    }
    reasons
}

fn four_eyes(facts: &Facts, actor: Option<&str>) -> Option<Reason> {
    let image = facts.image.as_ref()?;
    let authors = match &facts.authors {
        Ok(authors) => authors,
        Err(what) => {
            return Some(reason(
                "four-eyes",
                format!("the author is not known, {what}"),
            ));
        }
    };
    let Some(actor) = actor else {
        return Some(reason(
            "four-eyes",
            "who started the run is not known, so it may be the author",
        ));
    };
    let is_author = |author: &String| is_same_person(author, actor) || facts.is_starter(author);
    authors.iter().any(is_author).then(|| {
        let message = format!(
            "{} is the author of {}: somebody else must promote it",
            shown(Some(actor)),
            named(&image.key)
        );
        reason("four-eyes", message)
    })
}

fn shown(actor: Option<&str>) -> String {
    actor.map_or_else(
        || "somebody unknown".to_owned(),
        |actor| format!("`{}`", actor.escape_debug()),
    )
}
