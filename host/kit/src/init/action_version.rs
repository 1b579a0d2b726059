//! The action that the workflow uses, pinned: `owner/name@commit`.

use anyhow::{Context as _, bail};
use promote_core::service::github::RepositoryName;

/// The repository that this binary was released from, `owner/name`, set by the release workflow.
const RELEASED_FROM: Option<&str> = option_env!("PROMOTE_RELEASED_FROM");

/// Returns the action of this very binary, by its tag, if it was released.
pub(super) fn own() -> Option<String> {
    RELEASED_FROM.map(|from| format!("{from}@v{}", env!("CARGO_PKG_VERSION")))
}

/// Replaces the tag of an action by the commit that it names: a tag can move.
pub(super) async fn pinned(
    uses: &str,
    find_commit: impl AsyncFnOnce(&str, &str) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let (action, version) = uses.split_once('@').context("`uses` has no version")?;
    if is_commit(version) {
        return Ok(uses.to_owned());
    }
    let commit = find_commit(action, version).await.with_context(|| {
        format!("cannot find {version} of {action}: `--uses {action}@COMMIT` needs no look-up")
    })?;
    if !is_commit(&commit) {
        bail!("GitHub says that {version} of {action} is {commit:?}, which is not a commit");
    }
    Ok(format!("{action}@{commit}"))
}

/// Refuses what names no version of an action.
pub(super) fn check_uses(uses: &str) -> anyhow::Result<()> {
    let (action, version) = uses.split_once('@').unwrap_or((uses, ""));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if RepositoryName::parse(action).is_err()
        || version.is_empty()
        || !version.bytes().all(is_plain)
    {
        bail!(
            "`{uses}` names no action: write owner/name@ and the full hash of a commit, or a tag"
        );
    }
    Ok(())
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn an_action_has_a_commit_or_a_tag() {
        assert!(check_uses(&format!("acme/promote@{COMMIT}")).is_ok());
        assert!(check_uses("acme/promote@v1.2.3-rc.1").is_ok());
        for wrong in [
            "acme/promote",
            "promote@0123456789abcdef0123456789abcdef01234567",
            "a/b@",
            "a/b@v1 # x",
            "a/b@../v1",
        ] {
            assert!(check_uses(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_tag_becomes_its_commit() {
        let commit = format!("acme/promote@{COMMIT}");
        let asked = pinned(&commit, async |_, _| bail!("asked")).await;
        assert_eq!(asked.unwrap(), commit);
        let found = pinned("acme/promote@v1.2.3", async |action, tag| {
            assert_eq!((action, tag), ("acme/promote", "v1.2.3"));
            Ok(COMMIT.to_owned())
        });
        assert_eq!(found.await.unwrap(), commit);
        let branch = pinned("acme/promote@v1.2.3", async |_, _| Ok("main".to_owned())).await;
        assert!(branch.unwrap_err().to_string().contains("not a commit"));
    }
}
