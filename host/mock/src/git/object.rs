//! The three kinds of object that a promotion meets, in Git's own encoding. Tags are absent: nothing here makes one.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha1::{Digest, Sha1};

/// The id of an object: the SHA-1 of its kind, size and content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 20]);

impl ObjectId {
    /// The id of an object of this kind with this content.
    fn of(kind: &str, content: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update(format!("{kind} {}\0", content.len()));
        hash.update(content);
        Self(hash.finalize().into())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The text is not forty hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a full object id")]
pub struct ObjectIdError;

impl FromStr for ObjectId {
    type Err = ObjectIdError;

    fn from_str(text: &str) -> Result<Self, ObjectIdError> {
        let digits = text.as_bytes();
        if digits.len() != 40 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(ObjectIdError);
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = str::from_utf8(pair).map_err(|_| ObjectIdError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ObjectIdError)?;
        }
        Ok(Self(bytes))
    }
}

/// The kind of a tree's entry, as Git writes it in six digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileMode {
    /// `100644`
    File,
    /// `100755`
    Executable,
    /// `120000`: the blob holds the target's path.
    Symlink,
    /// `160000`: the id names a commit of another repository.
    Submodule,
    /// `040000`
    Tree,
}

impl FileMode {
    /// The six digits that GitHub's API uses; inside a tree object Git drops the leading zero.
    pub fn digits(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
            Self::Tree => "040000",
        }
    }

    /// The mode of six digits, or none for any other text.
    pub fn parse(digits: &str) -> Option<Self> {
        [
            Self::File,
            Self::Executable,
            Self::Symlink,
            Self::Submodule,
            Self::Tree,
        ]
        .into_iter()
        .find(|mode| mode.digits() == digits)
    }

    /// The kind of object that an entry of this mode names: `blob`, `tree` or `commit`.
    pub fn kind(self) -> &'static str {
        match self {
            Self::File | Self::Executable | Self::Symlink => "blob",
            Self::Submodule => "commit",
            Self::Tree => "tree",
        }
    }

    /// Returns true if the entry is an ordinary file, executable or not.
    pub fn is_file(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }
}

/// The mode and object behind one name of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathEntry {
    /// Its mode.
    pub mode: FileMode,
    /// Its object.
    pub id: ObjectId,
}

/// A directory: names and entries, in Git's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeObject(Vec<(String, PathEntry)>);

impl TreeObject {
    /// Sorts the entries as Git does: by bytes, a directory as if its name ended in a slash.
    pub fn new(mut entries: Vec<(String, PathEntry)>) -> Self {
        entries.sort_by_cached_key(|(name, entry): &(String, PathEntry)| match entry.mode {
            FileMode::Tree => format!("{name}/"),
            _ => name.clone(),
        });
        Self(entries)
    }

    /// Names and entries in order.
    pub fn entries(&self) -> &[(String, PathEntry)] {
        &self.0
    }

    /// The entry of this name.
    pub fn entry(&self, name: &str) -> Option<PathEntry> {
        let found = self.0.iter().find(|(candidate, _)| candidate == name);
        found.map(|(_, entry)| *entry)
    }
}

/// A name, an address and a time with its zone, which is part of a commit's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSignature {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// When, to the second.
    pub time: Timestamp,
    /// Minutes east of Greenwich.
    pub offset: i16,
}

impl CommitSignature {
    /// A signature in universal time.
    pub fn new(name: &str, email: &str, time: Timestamp) -> Self {
        Self {
            name: name.into(),
            email: email.into(),
            time,
            offset: 0,
        }
    }
}

impl fmt::Display for CommitSignature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs();
        let hours = minutes / 60;
        let minutes = minutes % 60;
        let seconds = self.time.as_second();
        let Self { name, email, .. } = self;
        write!(
            out,
            "{name} <{email}> {seconds} {sign}{hours:02}{minutes:02}"
        )
    }
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitObject {
    /// The root directory.
    pub tree: ObjectId,
    /// The commits before it; a merge has two, the first one none.
    pub parents: Vec<ObjectId>,
    /// The person who wrote the change.
    pub author: CommitSignature,
    /// The person or service that recorded it.
    pub committer: CommitSignature,
    /// The message, byte for byte: GitHub adds no newline, `git commit-tree -m` does.
    pub message: String,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitObject {
    /// The content of a file.
    Blob(Vec<u8>),
    /// A directory.
    Tree(TreeObject),
    /// A commit.
    Commit(CommitObject),
}

impl GitObject {
    /// The id, as `git hash-object` says.
    pub fn id(&self) -> ObjectId {
        match self {
            Self::Blob(content) => ObjectId::of("blob", content),
            Self::Tree(tree) => ObjectId::of("tree", &encode_tree(tree)),
            Self::Commit(commit) => ObjectId::of("commit", encode_commit(commit).as_bytes()),
        }
    }
}

fn encode_tree(tree: &TreeObject) -> Vec<u8> {
    let mut content = Vec::new();
    for (name, entry) in tree.entries() {
        content.extend_from_slice(entry.mode.digits().trim_start_matches('0').as_bytes());
        content.push(b' ');
        content.extend_from_slice(name.as_bytes());
        content.push(0);
        content.extend_from_slice(&entry.id.0);
    }
    content
}

pub(super) fn encode_commit(commit: &CommitObject) -> String {
    let mut text = format!("tree {}\n", commit.tree);
    for parent in &commit.parents {
        text.push_str(&format!("parent {parent}\n"));
    }
    let CommitObject {
        author,
        committer,
        message,
        ..
    } = commit;
    text.push_str(&format!(
        "author {author}\ncommitter {committer}\n\n{message}"
    ));
    text
}
