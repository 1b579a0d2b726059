//! Files, commits and comparisons, each pinned to the commit that it was read at.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;
use serde_json::Value;

use super::{Client, Object, Repository};
use crate::core::contract::{Ancestry, Commit, Comparison, Failure, File};
use crate::core::http::{OrNone, ServiceError, seg, segs};

/// "Get repository content" leaves the content of larger files out.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A commit as "Get a commit" and "Compare two commits" send it.
#[derive(Deserialize)]
struct WireCommit {
    sha: String,
    commit: Detail,
    parents: Vec<Object>,
}

#[derive(Deserialize)]
struct Detail {
    message: String,
    author: Option<Person>,
    committer: Option<Person>,
}

#[derive(Deserialize)]
struct Person {
    name: Option<String>,
    date: Option<String>,
}

impl Client {
    /// A text file at a branch, tag or commit, or none if there is no such file.
    ///
    /// Fails with `not-found` if the repository or the revision does not exist, with `rejected` if it is not a regular
    /// file, not UTF-8 or too large.
    pub async fn file(
        &self,
        repository: &str,
        path: &str,
        revision: &str,
    ) -> Result<Option<File>, Failure> {
        let repository = Repository::parse(repository)?;
        let commit = self.resolve(&repository, revision).await?;
        let target = format!("{repository}/contents/{}?ref={}", segs(path), seg(&commit));
        let Some(content) = self.get::<Value>(target).await.or_none()? else {
            // The same answer says that there is no such commit; a commit that was looked up is known to exist.
            if commit == revision {
                let _: Object = self
                    .get(format!("{repository}/git/commits/{}", seg(&commit)))
                    .await?;
            }
            return Ok(None);
        };
        let (blob, content) =
            text_of(path, &content).map_err(|why| Failure::Rejected(format!("{path} {why}")))?;
        Ok(Some(File {
            path: path.to_owned(),
            content,
            commit,
            blob,
        }))
    }

    /// A commit by branch, tag or identifier, or none.
    pub async fn commit(
        &self,
        repository: &str,
        revision: &str,
    ) -> Result<Option<Commit>, Failure> {
        let target = format!(
            "{}/commits/{}",
            Repository::parse(repository)?,
            segs(revision)
        );
        match self.get::<WireCommit>(target).await {
            // "No commit found for SHA": what is no identifier, and no name either.
            Err(error) if error.says(422, "") => Ok(None),
            other => Ok(other.or_none()?.map(WireCommit::into_contract)),
        }
    }

    /// How two revisions relate.
    pub async fn compare(
        &self,
        repository: &str,
        base: &str,
        head: &str,
    ) -> Result<Comparison, Failure> {
        #[derive(Deserialize)]
        struct Compared {
            status: String,
            ahead_by: u32,
            behind_by: u32,
            commits: Vec<WireCommit>,
            html_url: String,
        }
        let target = format!(
            "{}/compare/{}...{}",
            Repository::parse(repository)?,
            segs(base),
            segs(head)
        );
        let compared: Compared = self.get(target).await?;
        Ok(Comparison {
            status: match compared.status.as_str() {
                "identical" => Ancestry::Identical,
                "ahead" => Ancestry::Ahead,
                "behind" => Ancestry::Behind,
                _ => Ancestry::Diverged,
            },
            ahead_by: compared.ahead_by,
            behind_by: compared.behind_by,
            commits: compared
                .commits
                .into_iter()
                .map(WireCommit::into_contract)
                .collect(),
            url: compared.html_url,
        })
    }

    /// The commit that a branch stands at, or none.
    pub(super) async fn branch(
        &self,
        repository: &Repository,
        branch: &str,
    ) -> Result<Option<String>, ServiceError> {
        #[derive(Deserialize)]
        struct Ref {
            object: Object,
        }
        let target = format!("{repository}/git/ref/heads/{}", segs(branch));
        Ok(self
            .get::<Ref>(target)
            .await
            .or_none()?
            .map(|found| found.object.sha))
    }

    /// The commit that a revision names: itself, a branch, or whatever else GitHub takes for one.
    async fn resolve(
        &self,
        repository: &Repository,
        revision: &str,
    ) -> Result<String, ServiceError> {
        if revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(revision.to_owned());
        }
        if let Some(commit) = self.branch(repository, revision).await? {
            return Ok(commit);
        }
        let found: Object = self
            .get(format!("{repository}/commits/{}", segs(revision)))
            .await?;
        Ok(found.sha)
    }
}

impl WireCommit {
    fn into_contract(self) -> Commit {
        let Detail {
            message,
            author,
            committer,
        } = self.commit;
        Commit {
            id: self.sha,
            parents: self.parents.into_iter().map(|parent| parent.sha).collect(),
            message,
            author: author.and_then(|author| author.name).unwrap_or_default(),
            committed_at: committer
                .and_then(|committer| committer.date)
                .unwrap_or_default(),
        }
    }
}

/// Git's identifier of a text as a blob.
pub(super) fn blob_id(text: &[u8]) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("blob {}\0", text.len()).as_bytes());
    context.update(text);
    context
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The blob and the text of a content object, or why there is none.
fn text_of(path: &str, content: &Value) -> Result<(String, String), String> {
    let kind = content["type"].as_str().unwrap_or("directory");
    if kind != "file" {
        return Err(format!("is a {kind}, not a file"));
    }
    let size = content["size"].as_u64().unwrap_or_default();
    if size > LARGEST_FILE || content["encoding"] != "base64" {
        return Err(format!(
            "has {size} bytes, more than the {LARGEST_FILE} that can be read"
        ));
    }
    let base64: String = content["content"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let bytes = BASE64_STANDARD
        .decode(base64)
        .map_err(|error| format!("arrived damaged: {error}"))?;
    let blob = content["sha"].as_str().unwrap_or_default();
    // For a symbolic link, GitHub answers with the file that it leads to.
    if blob != blob_id(&bytes) || content["path"].as_str().is_some_and(|given| given != path) {
        return Err("is a symbolic link, not a file".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("is not UTF-8: byte {at} belongs to no character")
    })?;
    Ok((blob.to_owned(), text))
}
