//! The documents name only files that exist, so that nobody is sent to a place that has moved.

use std::path::{Path, PathBuf};

/// Folders of the repository that documents name files in.
const FOLDERS: [&str; 6] = ["host/", "plugin/", "tests/", "wit/", ".github/", ".ci/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the documents of the repository. Those of `host/templates` are about a project of their own.
fn documents() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_default();
            let elsewhere = ["target", ".git", "node_modules", "templates", "corpus"];
            if path.is_dir() && !elsewhere.contains(&name) {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

/// Returns the targets of links that lead into the repository, without the place in the file.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1);
    let targets = targets.map(|rest| rest.split([')', '#', ' ']).next().unwrap_or_default());
    targets
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

/// Returns the paths that a text names in code quotes: without patterns and without what stands for a name.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        .filter(|path| !path.contains(['*', ' ', '{', ':']) && !path.contains("NAME"))
        .collect()
}

#[test]
fn every_link_and_every_path_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let shown = document.display();
        for link in links(&text) {
            count += 1;
            let target = document.parent().unwrap().join(link);
            assert!(target.exists(), "{shown} links to {link}");
        }
        for path in paths(&text) {
            count += 1;
            assert!(root().join(path).exists(), "{shown} names {path}");
        }
    }
    assert!(count > 50, "only {count} were found");
}
