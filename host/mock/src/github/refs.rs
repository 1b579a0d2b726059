//! Names of commits (GitHub REST, Git references), and what follows when one moves.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::GitHubCall;
use super::identity::TokenKind;
use super::shapes::{UrlBase, node_id};
use super::state::{CheckRun, PullState, RepositoryState, StaleRef};
use crate::git::ObjectId;

/// The time after which no read lags behind a change, however few have looked.
const MOST_LAG: SignedDuration = SignedDuration::from_mins(5);

fn shape(urls: &UrlBase, repository: &RepositoryState, name: &str, id: ObjectId) -> Value {
    let api = urls.repository(repository);
    json!({
        "ref": name,
        "node_id": node_id("REF", format!("{}:{name}", repository.id)),
        "url": format!("{api}/git/{name}"),
        "object": {"type": "commit", "sha": id.to_string(), "url": format!("{api}/git/commits/{id}")},
    })
}

/// Refuses Git data calls on a repository without a commit.
pub(super) fn not_empty(repository: &RepositoryState) -> Result<(), GitHubAnswer> {
    if repository.refs.is_empty() {
        return Err(GitHubAnswer::error(409, "Git Repository is empty."));
    }
    Ok(())
}

pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let name = format!("refs/{}", call.part("ref"));
    let repository = call.repository_mut(github);
    not_empty(repository)?;
    let id = repository
        .read_ref(&name)
        .ok_or_else(GitHubAnswer::not_found)?;
    GitHubAnswer::ok(shape(&call.urls, repository, &name, id))
}

/// Returns one ref, or the list of those below a name that is not a ref itself.
pub(super) fn get_or_list(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let name = format!("refs/{}", call.part("ref"));
    let below = format!("{name}/");
    let refs = &call.repository(github).refs;
    if !refs.contains_key(&name) && refs.keys().any(|other| other.starts_with(&below)) {
        return matching(github, call);
    }
    get(github, call)
}

pub(super) fn matching(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let prefix = format!("refs/{}", call.part("ref"));
    let repository = call.repository_mut(github);
    not_empty(repository)?;
    let changing = repository.stale.keys();
    let mut names: Vec<String> = repository.refs.keys().chain(changing).cloned().collect();
    names.retain(|name| name.starts_with(&prefix));
    names.sort();
    names.dedup();
    let found = names
        .into_iter()
        .filter_map(|name| Some((repository.read_ref(&name)?, name)));
    let found: Vec<(ObjectId, String)> = found.collect();
    let shapes = found
        .iter()
        .map(|(id, name)| shape(&call.urls, repository, name, *id));
    GitHubAnswer::ok(shapes.collect())
}

pub(super) fn create(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    call.require(&["ref", "sha"])?;
    let name = call.required("ref")?;
    let sha = call.required("sha")?;
    let id = make(github, call, call.repository, name, sha)?;
    GitHubAnswer::created(shape(&call.urls, call.repository(github), name, id))
}

/// Makes a ref in the repository at `place`, at an object that is there.
pub(super) fn make(
    github: &mut GitHub,
    call: &GitHubCall<'_>,
    place: usize,
    name: &str,
    sha: &str,
) -> Result<ObjectId, GitHubAnswer> {
    let repository = &github.repositories[place];
    not_empty(repository)?;
    if !name.starts_with("refs/") || name.matches('/').count() < 2 {
        return Err(GitHubAnswer::error(
            422,
            "Reference name must start with 'refs/' and have at least two slashes.",
        ));
    }
    if !is_valid_name(name) {
        return Err(GitHubAnswer::error(
            422,
            format!("{name} is not a valid ref name."),
        ));
    }
    if repository.refs.contains_key(name) {
        return Err(GitHubAnswer::error(422, "Reference already exists"));
    }
    let id = sha
        .parse()
        .ok()
        .filter(|id| repository.git.commit(*id).is_some());
    let id: ObjectId = id.ok_or_else(|| GitHubAnswer::error(422, "Object does not exist"))?;
    if repository
        .refs
        .keys()
        .any(|other| blocks(other, name) || blocks(name, other))
    {
        return Err(GitHubAnswer::error(422, "Reference update failed"));
    }
    permit(repository, name, call)?;
    github.set_ref(place, call.now, name, Some(id), starts_checks(call));
    Ok(id)
}

pub(super) fn update(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let name = format!("refs/{}", call.part("ref"));
    let sha = call.required("sha")?;
    let repository = call.repository(github);
    let current = repository.refs.get(&name).copied();
    let current = current.ok_or_else(|| GitHubAnswer::error(422, "Reference does not exist"))?;
    let id = sha
        .parse()
        .ok()
        .filter(|id| repository.git.commit(*id).is_some());
    let id: ObjectId = id.ok_or_else(|| GitHubAnswer::error(422, "Object does not exist"))?;
    permit(repository, &name, call)?;
    if !call.flag("force") && !repository.git.is_ancestor(current, id) {
        return Err(GitHubAnswer::error(422, "Update is not a fast forward"));
    }
    github.move_ref(call, &name, Some(id));
    GitHubAnswer::ok(shape(&call.urls, call.repository(github), &name, id))
}

pub(super) fn delete(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let name = format!("refs/{}", call.part("ref"));
    let repository = call.repository(github);
    if !repository.refs.contains_key(&name) {
        return Err(GitHubAnswer::error(422, "Reference does not exist"));
    }
    if name == format!("refs/heads/{}", repository.settings.default_branch) {
        return Err(GitHubAnswer::error(422, "Cannot delete the default branch"));
    }
    permit(repository, &name, call)?;
    github.move_ref(call, &name, None);
    GitHubAnswer::nothing()
}

/// Refuses a direct change that a rule of the branch forbids.
pub(super) fn permit(
    repository: &RepositoryState,
    name: &str,
    _call: &GitHubCall<'_>,
) -> Result<(), GitHubAnswer> {
    let branch = name.strip_prefix("refs/heads/").unwrap_or_default();
    match repository.rules_of(branch).push_refusal() {
        Some(reason) => Err(GitHubAnswer::error(422, reason)),
        None => Ok(()),
    }
}

/// Returns false for a workflow's own token, whose pushes start no checks.
fn starts_checks(call: &GitHubCall<'_>) -> bool {
    call.caller.token().map(|token| token.kind) != Some(TokenKind::Actions)
}

/// A branch `a` leaves no room for a branch `a/b`.
fn blocks(shorter: &str, longer: &str) -> bool {
    longer
        .strip_prefix(shorter)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Git's rules for names of refs (`git check-ref-format`).
fn is_valid_name(name: &str) -> bool {
    !name
        .split('/')
        .any(|part| part.is_empty() || part.starts_with('.') || part.ends_with(".lock"))
        && !name.contains(|c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c))
        && !["..", "@{"].iter().any(|pair| name.contains(pair))
        && !name.ends_with('.')
}

impl RepositoryState {
    /// Returns the commit that a reader sees: for some reads the one before the last change (read-after-write lag).
    pub(super) fn read_ref(&mut self, name: &str) -> Option<ObjectId> {
        if let Some(stale) = self.stale.get_mut(name)
            && stale.left > 0
        {
            stale.left -= 1;
            return stale.old;
        }
        self.stale.remove(name);
        self.refs.get(name).copied()
    }

    /// Like [`resolve`](Self::resolve), as a reader sees it.
    pub(super) fn read(&mut self, name: &str) -> Option<ObjectId> {
        let full = [
            name.to_owned(),
            format!("refs/heads/{name}"),
            format!("refs/{name}"),
        ];
        let lagging = full.into_iter().find(|name| self.stale.contains_key(name));
        match lagging {
            Some(name) => self.read_ref(&name),
            None => self.resolve(name),
        }
    }
}

impl GitHub {
    /// Moves a ref of the repository that the path names, on behalf of a caller.
    pub(super) fn move_ref(&mut self, call: &GitHubCall<'_>, name: &str, to: Option<ObjectId>) {
        self.set_ref(call.repository, call.now, name, to, starts_checks(call));
    }

    /// Moves a ref of the repository at `place` to a commit, on behalf of a caller.
    pub(super) fn move_ref_at(
        &mut self,
        call: &GitHubCall<'_>,
        place: usize,
        name: &str,
        to: ObjectId,
    ) {
        self.set_ref(place, call.now, name, Some(to), starts_checks(call));
    }

    /// Moves, makes or deletes a ref, and does what follows: checks start, pull requests notice.
    pub(super) fn set_ref(
        &mut self,
        place: usize,
        now: Timestamp,
        name: &str,
        to: Option<ObjectId>,
        starts_checks: bool,
    ) {
        let lag = self.weather.stale_reads;
        let repository = &mut self.repositories[place];
        let old = match to {
            Some(id) => repository.refs.insert(name.into(), id),
            None => repository.refs.remove(name),
        };
        repository.pushed_at = now;
        if lag > 0 {
            let stale = StaleRef {
                old,
                left: lag,
                until: now + MOST_LAG,
            };
            repository.stale.insert(name.into(), stale);
        }
        let Some(branch) = name.strip_prefix("refs/heads/") else {
            return;
        };
        repository.pulls_notice(branch, to, now);
        if let (true, Some(id)) = (starts_checks, to) {
            self.start_checks(place, id, now);
        }
    }

    fn start_checks(&mut self, place: usize, commit: ObjectId, now: Timestamp) {
        let known = self.repositories[place]
            .check_runs
            .iter()
            .any(|run| run.commit == commit);
        let ci = if known {
            Vec::new()
        } else {
            self.repositories[place].ci.clone()
        };
        for check in ci {
            let run = CheckRun {
                id: self.new_id(),
                commit,
                name: check.name,
                started_at: now,
                completes_at: check.takes.and_then(|takes| now.checked_add(takes).ok()),
                conclusion: check.conclusion,
            };
            self.repositories[place].check_runs.push(run);
        }
    }
}

impl RepositoryState {
    /// Open pull requests follow their branch, end with it, and are merged once the base holds their head.
    fn pulls_notice(&mut self, branch: &str, to: Option<ObjectId>, now: Timestamp) {
        let git = self.git.clone();
        for pull in self
            .pulls
            .values_mut()
            .filter(|pull| pull.state == PullState::Open)
        {
            if pull.head == branch {
                match to {
                    Some(id) if pull.head_sha == id => {}
                    Some(id) => {
                        pull.head_sha = id;
                        pull.updated_at = now;
                    }
                    None => pull.state = PullState::Closed { at: now, by: None },
                }
            }
            if pull.base == branch
                && let Some(id) = to
                && pull.head_sha != pull.base_sha
                && git.is_ancestor(pull.head_sha, id)
            {
                let by = pull.author.clone();
                pull.state = PullState::Merged {
                    at: now,
                    by,
                    commit: id,
                };
                pull.updated_at = now;
            }
        }
    }
}
