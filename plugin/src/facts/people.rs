//! The pull requests that brought an image, and whose approval of a pull request counts.

use crate::host::{PullPeople, ReviewState};

/// The pull requests that brought the commit of an image into its branch.
#[derive(Clone, Debug, PartialEq)]
pub enum OriginFacts {
    /// Nobody asks, or nothing is going to be written.
    NotAsked,
    /// It cannot be told, and why.
    Unknown(String),
    /// Those that are merged into the branch.
    Known {
        /// The commit, for people.
        commit: String,
        /// The branch.
        branch: String,
        /// Each with its people.
        pulls: Vec<OriginPull>,
    },
}

/// A merged pull request, and the people behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct OriginPull {
    /// Its name for people.
    pub name: String,
    /// Who opened, wrote and reviewed it.
    pub people: PullPeople,
}

/// The approvals of a pull request that count, and why others do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalCount {
    /// The logins of those who approve.
    pub by: Vec<String>,
    /// Why an approval does not count.
    pub ignored: Vec<String>,
    /// The logins of those who ask for changes.
    pub against: Vec<String>,
}

impl ApprovalCount {
    /// Counts the reviews of a pull request. Its own people approve nothing, nor does a machine, nor who may not write; a review
    /// of another commit has not seen what is merged. `is_barred` says of whom else no approval counts.
    pub fn of(people: &PullPeople, is_barred: impl Fn(&str) -> Option<&'static str>) -> Self {
        let mut count = Self::default();
        let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        for review in &people.reviews {
            let who = &review.reviewer;
            let opened = people.author.as_ref().is_some_and(|author| is(author, who));
            let wrote = people.committers.iter().any(|one| is(one, who));
            let has_seen_all = review.commit.as_ref() == Some(&people.head_commit);
            let why = match review.state {
                ReviewState::Commented => continue,
                ReviewState::ChangesRequested if review.can_write && !review.is_bot => {
                    count.against.push(who.clone());
                    continue;
                }
                ReviewState::ChangesRequested => continue,
                ReviewState::Dismissed => "gave a review that was dismissed",
                ReviewState::Approved if review.is_bot => "is a bot",
                ReviewState::Approved if opened => "opened it",
                ReviewState::Approved if wrote => "wrote some of it",
                ReviewState::Approved if !review.can_write => "may not write to the repository",
                ReviewState::Approved if !has_seen_all => "has approved an older commit",
                ReviewState::Approved => match is_barred(who) {
                    Some(why) => why,
                    None => {
                        count.by.push(who.clone());
                        continue;
                    }
                },
            };
            count
                .ignored
                .push(format!("`{}` {why}", who.escape_debug()));
        }
        count
    }

    /// Returns whether enough people approve, and nobody asks for changes.
    pub fn is_enough(&self, wanted: usize) -> bool {
        self.against.is_empty() && self.by.len() >= wanted
    }

    /// Says for people what there is of how many.
    pub fn describe(&self, wanted: usize) -> String {
        let names = |names: &[String]| {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("`{}`", name.escape_debug()))
                .collect();
            names.join(", ")
        };
        let mut words = format!("{} of {wanted} approvals", self.by.len());
        if !self.by.is_empty() {
            words.push_str(&format!(" ({})", names(&self.by)));
        }
        if !self.against.is_empty() {
            words.push_str(&format!(
                "; changes are asked for by {}",
                names(&self.against)
            ));
        }
        if !self.ignored.is_empty() {
            words.push_str(&format!("; not counted: {}", self.ignored.join(", ")));
        }
        words
    }
}

/// Returns whether two names may be of one person. One may be a login and the other an e-mail address: `dana` is
/// `dana@acme.example`.
pub fn is_same_person(one: &str, other: &str) -> bool {
    let login = |name: &str| {
        name.split('@')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    if one.contains('@') && other.contains('@') {
        one.eq_ignore_ascii_case(other)
    } else {
        login(one) == login(other)
    }
}
