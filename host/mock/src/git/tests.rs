//! Every id, tree and merge is compared with what `git` itself says.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;

use super::*;

/// Runs `git` in a scratch repository, shut off from the user's configuration.
fn git(dir: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("git")
        .current_dir(dir)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([
            ("GIT_AUTHOR_NAME", "Dana"),
            ("GIT_AUTHOR_EMAIL", "dana@acme.example"),
        ])
        .envs([
            ("GIT_COMMITTER_NAME", "Bot"),
            ("GIT_COMMITTER_EMAIL", "bot@acme.example"),
        ])
        .envs([
            ("GIT_AUTHOR_DATE", "1767225600 +0200"),
            ("GIT_COMMITTER_DATE", "1767225601 -0330"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

fn scratch() -> std::path::PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "promote-git-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).unwrap();
    git(&dir, &["init", "-q", "."], b"");
    dir
}

fn edits(store: &mut ObjectStore, files: &[(&str, FileMode, &str)]) -> TreeEdits {
    files
        .iter()
        .map(|(path, mode, text)| {
            let id = store.insert_blob(*text);
            (path.to_string(), Some(PathEntry { mode: *mode, id }))
        })
        .collect()
}

#[test]
fn blob_ids_are_those_of_git() {
    let known = [
        ("", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        ("hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"),
    ];
    for (text, id) in known {
        assert_eq!(GitObject::Blob(text.into()).id().to_string(), id);
        assert_eq!(id.parse::<ObjectId>().unwrap().to_string(), id);
    }
    assert_eq!(
        GitObject::Tree(TreeObject::default()).id().to_string(),
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    );
    for wrong in ["", "ce01", "ze013625030ba8dba906f756967f9e9ca394464a"] {
        assert_eq!(wrong.parse::<ObjectId>(), Err(ObjectIdError));
    }
}

#[test]
fn trees_and_commits_have_the_ids_that_git_gives_them() {
    let mut store = ObjectStore::default();
    // `a.b`, `a/` and `a0` sort differently as bytes and as Git's tree order.
    let files = [
        ("a/x", FileMode::File, "1\n"),
        ("a.b", FileMode::File, "2\n"),
        ("a0", FileMode::Executable, "3\n"),
        ("link", FileMode::Symlink, "a/x"),
        ("deep/er/still", FileMode::File, "ü"),
    ];
    let edits = edits(&mut store, &files);
    let tree = store.edit_tree(None, &edits).unwrap();
    let dir = scratch();
    for (path, mode, text) in files {
        let id = git(&dir, &["hash-object", "-w", "--stdin"], text.as_bytes());
        git(
            &dir,
            &[
                "update-index",
                "--add",
                "--cacheinfo",
                &format!("{},{id},{path}", mode.digits()),
            ],
            b"",
        );
    }
    assert_eq!(tree.to_string(), git(&dir, &["write-tree"], b""));
    let commit = CommitObject {
        tree,
        parents: vec![],
        author: CommitSignature {
            offset: 120,
            ..CommitSignature::new(
                "Dana",
                "dana@acme.example",
                Timestamp::new(1767225600, 0).unwrap(),
            )
        },
        committer: CommitSignature {
            offset: -210,
            ..CommitSignature::new(
                "Bot",
                "bot@acme.example",
                Timestamp::new(1767225601, 0).unwrap(),
            )
        },
        message: "first\n".into(),
    };
    let id = git(
        &dir,
        &["commit-tree", "-m", "first", &tree.to_string()],
        b"",
    );
    assert_eq!(store.insert(GitObject::Commit(commit)).to_string(), id);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn edits_keep_what_they_do_not_name() {
    let mut store = ObjectStore::default();
    let first = edits(
        &mut store,
        &[
            ("a/x", FileMode::File, "1"),
            ("a/y", FileMode::Executable, "2"),
        ],
    );
    let tree = store.edit_tree(None, &first).unwrap();
    let second = edits(&mut store, &[("a/x", FileMode::File, "3")]);
    let edited = store.edit_tree(Some(tree), &second).unwrap();
    assert_eq!(store.entry_at(edited, "a/y"), store.entry_at(tree, "a/y"));
    let changes = store.changes(Some(tree), Some(edited));
    assert_eq!(
        changes
            .iter()
            .map(|change| &*change.path)
            .collect::<Vec<_>>(),
        ["a/x"]
    );
    let gone = TreeEdits::from([("a/x".into(), None), ("a/y".into(), None)]);
    let empty = store.edit_tree(Some(edited), &gone).unwrap();
    assert_eq!(store.walk(empty), [], "an empty directory does not stay");
}

#[test]
fn edits_refuse_what_git_would_not_store() {
    let mut store = ObjectStore::default();
    let entry = Some(PathEntry {
        mode: FileMode::File,
        id: store.insert_blob(""),
    });
    for path in ["", "/a", "a//b", "../a", "a/./b", ".git/config", "a/.GIT"] {
        let refused = store.edit_tree(None, &TreeEdits::from([(path.into(), entry)]));
        assert_eq!(refused, Err(TreeError::Path(path.into())));
    }
    let missing = store.edit_tree(None, &TreeEdits::from([("a".into(), None)]));
    assert_eq!(missing, Err(TreeError::Missing("a".into())));
    let clash = store.edit_tree(
        None,
        &TreeEdits::from([("a".into(), entry), ("a/b".into(), entry)]),
    );
    assert_eq!(clash, Err(TreeError::Clash("a".into())));
}

#[test]
fn line_merges_agree_with_git() {
    let base = "1\n2\n3\n4\n5\n6\n7\n";
    let cases = [
        ("1x\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\n5\n6\n7x\n"),
        ("1x\n2\n3\n4\n5\n6\n7\n", "1\n2x\n3\n4\n5\n6\n7\n"),
        ("1x\n2\n3\n4\n5\n6\n7\n", "1\n2\n3x\n4\n5\n6\n7\n"),
        ("1x\n2\n3\n4\n5\n6\n7\n", "1y\n2\n3\n4\n5\n6\n7\n"),
        ("1x\n2\n3\n4\n5\n6\n7\n", "1x\n2\n3\n4\n5\n6\n7\n8\n"),
        ("2\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\n5\n6\n"),
        ("0\n1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\n4\n5\n6\n7\n8"),
        ("1\n2\n3\na\nb\n4\n5\n6\n7\n", "1\n2\n3\n4\nc\n5\n6\n7\n"),
        ("1\n2\n3\na\n4\n5\n6\n7\n", "1\n2\n3\nb\n4\n5\n6\n7\n"),
        ("", base),
        ("", "1\n2\n3\n4\n5\n6\n8\n"),
        ("1\n3\n4\n5\n7\n", "1\n2\n3\n4\n5\n6\n7\n8\n"),
    ];
    let dir = scratch();
    for (ours, theirs) in cases {
        for (name, text) in [("base", base), ("ours", ours), ("theirs", theirs)] {
            std::fs::write(dir.join(name), text).unwrap();
        }
        let mut command = Command::new("git");
        let output = command
            .current_dir(&dir)
            .args(["merge-file", "-p", "ours", "base", "theirs"])
            .output()
            .unwrap();
        let expected = output.status.success().then_some(output.stdout);
        for (one, other) in [(ours, theirs), (theirs, ours)] {
            let merged = merge::merge_lines(base.as_bytes(), one.as_bytes(), other.as_bytes());
            assert_eq!(merged, expected, "{one:?} and {other:?}");
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn tree_merges_take_what_only_one_side_changed() {
    let base = [
        ("a", FileMode::File, "1\n2\n3\n"),
        ("d/b", FileMode::File, "b"),
        ("c", FileMode::File, "c"),
    ];
    type FileTexts<'a> = &'a [(&'a str, FileMode, &'a str)];
    type MergeRow<'a> = (
        FileTexts<'a>,
        FileTexts<'a>,
        Result<FileTexts<'a>, &'a [&'a str]>,
    );
    let cases: [MergeRow<'_>; 5] = [
        (
            &[("a", FileMode::File, "0\n2\n3\n")],
            &[("a", FileMode::File, "1\n2\n4\n")],
            Ok(&[("a", FileMode::File, "0\n2\n4\n")]),
        ),
        (
            &[("d/b", FileMode::File, "x")],
            &[("c", FileMode::File, "y")],
            Ok(&[("d/b", FileMode::File, "x"), ("c", FileMode::File, "y")]),
        ),
        (
            &[("d/b", FileMode::File, "x")],
            &[("d/b", FileMode::File, "y")],
            Err(&["d/b"]),
        ),
        (
            &[("a", FileMode::Executable, "1\n2\n3\n")],
            &[("a", FileMode::File, "1\n2\n4\n")],
            Ok(&[("a", FileMode::Executable, "1\n2\n4\n")]),
        ),
        (
            &[("c/x", FileMode::File, "x")],
            &[("c", FileMode::File, "y")],
            Err(&["c"]),
        ),
    ];
    for (ours, theirs, expected) in cases {
        let mut store = ObjectStore::default();
        let mut grow = |from: Option<ObjectId>, files: &[_]| {
            let edits = edits(&mut store, files);
            store.edit_tree(from, &edits).unwrap()
        };
        let root = grow(None, &base);
        let one = grow(Some(root), ours);
        let other = grow(Some(root), theirs);
        let expected = match expected {
            Ok(files) => Ok(grow(Some(root), files)),
            Err(paths) => Err(paths
                .iter()
                .map(|path| path.to_string())
                .collect::<Vec<_>>()),
        };
        assert_eq!(store.merge_trees(root, one, other), expected);
    }
}

#[test]
fn history_knows_the_merge_base_and_who_is_ahead() {
    let mut store = ObjectStore::default();
    let tree = store.edit_tree(None, &TreeEdits::new()).unwrap();
    let mut commit = |message: &str, parents: &[ObjectId]| {
        let who =
            CommitSignature::new("a", "a@b", Timestamp::new(message.len() as i64, 0).unwrap());
        let author = who.clone();
        let committer = who;
        store.insert(GitObject::Commit(CommitObject {
            tree,
            parents: parents.to_vec(),
            author,
            committer,
            message: message.into(),
        }))
    };
    let root = commit("root", &[]);
    let main = commit("main", &[root]);
    let side = commit("side", &[root]);
    let merged = commit("merged", &[main, side]);
    let more = commit("side, more", &[side]);
    let stranger = commit("stranger", &[]);
    assert_eq!(store.merge_base(main, side), Some(root));
    assert_eq!(store.merge_base(merged, more), Some(side));
    assert_eq!(store.merge_base(main, stranger), None);
    assert_eq!(store.ahead(main, merged), [side, merged]);
    assert_eq!(store.ahead(merged, main), []);
    assert!(store.is_ancestor(root, more) && !store.is_ancestor(main, more));
}

#[test]
fn the_history_of_a_path_is_that_of_git() {
    let mut store = ObjectStore::default();
    let dir = scratch();
    let versions: Vec<ObjectId> = (0..3)
        .map(|version| {
            let text = format!("{version}\n");
            let files = [("a/file", FileMode::File, text.as_str())];
            let edits = edits(&mut store, &files);
            let id = git(&dir, &["hash-object", "-w", "--stdin"], text.as_bytes());
            let entry = format!("100644,{id},a/file");
            git(&dir, &["update-index", "--add", "--cacheinfo", &entry], b"");
            let tree = store.edit_tree(None, &edits).unwrap();
            assert_eq!(git(&dir, &["write-tree"], b""), tree.to_string());
            tree
        })
        .collect();
    // A graph as the numbers fall: each commit has one parent or two among the last ones, and one of the versions.
    let mut state = 12_345_u64;
    let mut below = |end: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % end
    };
    let mut commits: Vec<ObjectId> = Vec::new();
    for number in 0..60 {
        let recent = commits.len().min(4);
        let mut parents: Vec<ObjectId> = (0..(1 + below(2)).min(recent))
            .map(|_| commits[commits.len() - 1 - below(recent)])
            .collect();
        parents.dedup();
        let time = Timestamp::new(1_767_225_600 + i64::from(number), 0).unwrap();
        let who = CommitSignature::new("a", "a@b", time);
        let commit = CommitObject {
            tree: versions[below(3)],
            parents,
            author: who.clone(),
            committer: who,
            message: format!("{number}"),
        };
        let text = super::object::encode_commit(&commit);
        let id = git(
            &dir,
            &["hash-object", "-w", "-t", "commit", "--stdin"],
            text.as_bytes(),
        );
        let inserted = store.insert(GitObject::Commit(commit));
        assert_eq!(inserted.to_string(), id);
        commits.push(inserted);
    }
    let mut long = 0;
    for head in &commits {
        for (path, most) in [("a/file", 20), ("a", 5), ("b", 20)] {
            let arguments = ["log", "--format=%H", "-n"];
            let most_text = most.to_string();
            let head_text = head.to_string();
            let end = [most_text.as_str(), &head_text, "--", path];
            let expected = git(&dir, &[&arguments[..], &end].concat(), b"");
            let found: Vec<String> = store
                .changing(*head, path, most)
                .iter()
                .map(ObjectId::to_string)
                .collect();
            assert_eq!(found.join("\n"), expected, "{path} at {head}");
            long += usize::from(found.len() > 5);
        }
    }
    assert!(
        long > 10,
        "only {long} histories have more than five commits"
    );
    std::fs::remove_dir_all(dir).unwrap();
}
