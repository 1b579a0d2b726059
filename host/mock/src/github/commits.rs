//! Commits and comparisons (GitHub REST, Git commits; Commits).

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;
use serde_json::{Map, Value, json};

use super::GitHub;
use super::answer::{GitHubAnswer, GitHubReply};
use super::call::{GitHubCall, texts_of};
use super::identity::TokenKind;
use super::reviews::diff_entries;
use super::shapes::{signed, with};
use super::state::RepositoryState;
use crate::git::{CommitObject, CommitSignature, GitObject, ObjectId};

/// A page shows this many files of a commit or a comparison.
const MAX_FILES: usize = 300;

pub(super) fn create(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    call.require(&["message", "tree"])?;
    let message = call.required("message")?.to_owned();
    let tree = call.required("tree")?;
    let own = signed(call.caller.login(), call.now);
    let author = identity(call, "author")?;
    let committer = identity(call, "committer")?;
    // GitHub signs for Apps and bots, but only what names nobody else (About commit signature verification).
    let app = call.caller.token().is_some_and(|token| {
        matches!(
            token.kind,
            TokenKind::Installation { .. } | TokenKind::Actions
        )
    });
    let signs =
        app && author.is_none() && committer.is_none() && !call.body.contains_key("signature");
    let parents = call
        .body
        .get("parents")
        .map(texts_of)
        .transpose()?
        .unwrap_or_default();
    let repository = call.repository_mut(github);
    super::refs::not_empty(repository)?;
    let tree = tree
        .parse()
        .ok()
        .filter(|id| repository.git.tree(*id).is_some());
    let tree: ObjectId = tree.ok_or_else(|| GitHubAnswer::error(422, "Tree SHA does not exist"))?;
    let mut known = Vec::new();
    for parent in &parents {
        let id = parent
            .parse()
            .ok()
            .filter(|id| repository.git.commit(*id).is_some());
        known.push(id.ok_or_else(|| {
            GitHubAnswer::error(422, "Parent SHA does not exist or is not a commit object")
        })?);
    }
    let author = author.unwrap_or(own);
    let committer = committer.unwrap_or_else(|| author.clone());
    let commit = CommitObject {
        tree,
        parents: known,
        author,
        committer,
        message,
    };
    let id = repository.git.insert(GitObject::Commit(commit.clone()));
    if signs {
        repository.verified.insert(id);
    }
    GitHubAnswer::created(call.urls.git_commit(repository, id, &commit))
}

/// An author or committer in the body.
pub(super) fn identity(
    call: &GitHubCall<'_>,
    field: &str,
) -> Result<Option<CommitSignature>, GitHubAnswer> {
    let given = match call.body.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(given)) => given,
        Some(_) => {
            return Err(GitHubAnswer::error(
                422,
                format!("Invalid request.\n\nFor 'properties/{field}', an object is wanted."),
            ));
        }
    };
    let name = given.get("name").and_then(Value::as_str);
    let email = given.get("email").and_then(Value::as_str);
    let (Some(name), Some(email)) = (name, email) else {
        let fields = [("name", name), ("email", email)];
        let missing: Vec<&str> = fields
            .iter()
            .filter(|(_, value)| value.is_none())
            .map(|(field, _)| *field)
            .collect();
        return Err(GitHubAnswer::none_supplied(&missing));
    };
    let (time, offset) = date(given, call.now)?;
    Ok(Some(CommitSignature {
        name: name.into(),
        email: email.into(),
        time,
        offset,
    }))
}

/// The date of a signature, with its zone, which is part of the commit.
fn date(given: &Map<String, Value>, now: Timestamp) -> Result<(Timestamp, i16), GitHubAnswer> {
    let Some(text) = given.get("date").and_then(Value::as_str) else {
        return Ok((now, 0));
    };
    let wrong = || {
        GitHubAnswer::error(
            422,
            format!("Invalid request.\n\n{text:?} is not a valid date-time."),
        )
    };
    let time: Timestamp = text.parse().map_err(|_| wrong())?;
    let offset = Pieces::parse(text)
        .ok()
        .and_then(|pieces| pieces.to_numeric_offset());
    let minutes = offset.map_or(0, |offset| offset.seconds() / 60);
    Ok((super::seconds(time), i16::try_from(minutes).unwrap_or(0)))
}

pub(super) fn get_object(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository(github);
    super::refs::not_empty(repository)?;
    let id: ObjectId = call
        .part("sha")
        .parse()
        .map_err(|_| GitHubAnswer::not_found())?;
    let commit = repository
        .git
        .commit(id)
        .ok_or_else(GitHubAnswer::not_found)?;
    GitHubAnswer::ok(call.urls.git_commit(repository, id, commit))
}

pub(super) fn get(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository_mut(github);
    super::refs::not_empty(repository)?;
    let name = call.part("ref");
    let missing = || GitHubAnswer::error(422, format!("No commit found for SHA: {name}"));
    let id = repository.read(name).ok_or_else(missing)?;
    let commit = repository.git.commit(id).ok_or_else(missing)?;
    if call.header("accept").contains("application/vnd.github.sha") {
        let content = id.to_string().into_bytes();
        let kind = "application/vnd.github.sha; charset=utf-8".into();
        return Ok(GitHubAnswer::new(
            200,
            super::answer::AnswerBody::Raw { kind, content },
        ));
    }
    let parent = commit
        .parents
        .first()
        .and_then(|parent| repository.git.tree_of(*parent));
    let files = diff_entries(call, repository, id, parent, Some(commit.tree));
    let count = |name: &str| {
        files
            .iter()
            .filter_map(|file| file[name].as_u64())
            .sum::<u64>()
    };
    let additions = count("additions");
    let deletions = count("deletions");
    let stats =
        json!({"additions": additions, "deletions": deletions, "total": additions + deletions});
    let shape = call.urls.commit(repository, id, commit);
    // The files of a commit come in pages of up to 300, the rest of it with each of them.
    let size = call.positive("per_page", MAX_FILES).min(MAX_FILES);
    call.page_of(github, files, size, |_, shown| {
        with(shape, json!({"stats": stats, "files": shown}))
    })
}

pub(super) fn compare(github: &mut GitHub, call: &GitHubCall<'_>) -> GitHubReply {
    let repository = call.repository_mut(github);
    let basehead = call.part("basehead").to_owned();
    let (base, head) = basehead
        .split_once("...")
        .ok_or_else(GitHubAnswer::not_found)?;
    let mut end = |name: &str| -> Result<ObjectId, GitHubAnswer> {
        // `user:branch` names a fork; there is only the repository itself.
        let name = name
            .strip_prefix(&format!("{}:", repository.owner))
            .unwrap_or(name);
        repository.read(name).ok_or_else(GitHubAnswer::not_found)
    };
    let base = end(base)?;
    let head = end(head)?;
    let fork = repository.git.merge_base(base, head).ok_or_else(|| {
        GitHubAnswer::error(
            404,
            format!("No common ancestor between {base} and {head}."),
        )
    })?;
    let ahead = repository.git.ahead(base, head);
    let behind = repository.git.ahead(head, base);
    let status = match (ahead.len(), behind.len()) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let page = call.urls.page(repository);
    let shape = |id: ObjectId| commit_shape(call, repository, id);
    let from = repository.git.tree_of(fork);
    let to = repository.git.tree_of(head);
    let mut files = diff_entries(call, repository, head, from, to);
    files.truncate(MAX_FILES);
    let page_number = call.positive("page", 1);
    let size = call.positive("per_page", 250).min(250);
    let shown = ahead
        .iter()
        .skip((page_number - 1).saturating_mul(size))
        .take(size);
    let commits: Vec<Value> = shown.map(|id| shape(*id)).collect();
    let mut body = json!({
        "url": format!("{}/compare/{basehead}", call.urls.repository(repository)),
        "html_url": format!("{page}/compare/{basehead}"),
        "permalink_url": format!("{page}/compare/{base}...{head}"),
        "diff_url": format!("{page}/compare/{basehead}.diff"),
        "patch_url": format!("{page}/compare/{basehead}.patch"),
        "base_commit": shape(base),
        "merge_base_commit": shape(fork),
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind.len(),
        "total_commits": ahead.len(),
        "commits": commits,
    });
    if page_number == 1 {
        body["files"] = files.into();
    }
    GitHubAnswer::ok(body)
}

/// A commit that is known to be there.
pub(super) fn commit_shape(
    call: &GitHubCall<'_>,
    repository: &RepositoryState,
    id: ObjectId,
) -> Value {
    let commit = repository.git.commit(id);
    commit.map_or(Value::Null, |commit| {
        call.urls.commit(repository, id, commit)
    })
}
