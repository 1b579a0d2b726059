//! The trusted core stands apart and stays small, and unsafe code has its places.
//!
//! Its size is that of its code: blank lines and comments are not counted, since the house rules demand documentation.

use std::path::{Path, PathBuf};

/// What the design allows.
const GOAL: usize = 3_500;
/// What it is today; may only go down.
const CEILING: usize = 3_500;

/// The files of the core, without those that are compiled for tests alone.
fn core() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src/core");
    let text = |path: &PathBuf| without_tests(&std::fs::read_to_string(path).unwrap());
    files(&root)
        .into_iter()
        .map(|path| (path.clone(), text(&path)))
        .collect()
}

/// The files below a folder, sorted, without those that are compiled for tests alone.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match is_for_tests(&path) {
                true => {}
                false if path.is_dir() => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    files
}

/// Whether the parent declares the file or folder under `#[cfg(test)]`.
fn is_for_tests(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let folder = path.parent().unwrap();
    let parents = [folder.join("mod.rs"), folder.with_extension("rs")];
    let declares = |parent: &Path| {
        let text = std::fs::read_to_string(parent).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let declaration = format!("mod {name};");
        let place = lines
            .iter()
            .position(|line| line.ends_with(&declaration))
            .unwrap_or_default();
        let mut attributes = lines[..place]
            .iter()
            .rev()
            .take_while(|line| line.starts_with("#["));
        attributes.any(|line| *line == "#[cfg(test)]")
    };
    parents.iter().any(|parent| declares(parent))
}

/// The text without its inline module of tests, which comes last.
fn without_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let inline = |at: &usize| {
        lines[*at] == "#[cfg(test)]"
            && lines[*at..]
                .iter()
                .any(|line| line.starts_with("mod tests {"))
    };
    let end = (0..lines.len()).find(inline).unwrap_or(lines.len());
    lines[..end].join("\n")
}

/// Whether a line is code.
fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with("//")
}

#[test]
fn it_imports_nothing_that_stands_outside_it() {
    for (path, text) in core() {
        for line in text.lines().filter(|line| is_code(line)) {
            assert!(!line.contains("super::super"), "{}: {line}", path.display());
            let others = line
                .split("crate::")
                .skip(1)
                .filter(|rest| !rest.starts_with("core::") && !rest.starts_with("core)"));
            assert_eq!(others.count(), 0, "{}: {line}", path.display());
        }
    }
}

/// What the rest of the program can have the clients do: the compiler keeps it from all else, by visibility.
///
/// All of it reads, but for the lines and the end of the run that is reported to, the token that is given back, and
/// `administer`.
#[test]
fn its_clients_let_the_rest_of_the_program_only_read() {
    let allowed = [
        (
            "github/",
            "file get login pages pull_request pull_requests query read revoke",
        ),
        (
            "port/",
            "administer end entities entity find get log login run search",
        ),
    ];
    for (folder, expected) in allowed {
        let client = format!("core/{folder}");
        let files = core()
            .into_iter()
            .filter(|(path, _)| path.display().to_string().contains(&client));
        let mut public: Vec<String> = files
            .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|line| Some(line.trim_start().strip_prefix("pub async fn ")?.to_owned()))
            .map(|rest| rest.split(['(', '<']).next().unwrap_or_default().to_owned())
            .collect();
        public.sort_unstable();
        assert_eq!(public.join(" "), expected);
    }
}

/// Who uses the few ways to write that there are outside the core.
#[test]
fn what_writes_outside_it_is_known() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let using = |words: &str| -> Vec<String> {
        let files = files(&host)
            .into_iter()
            .filter(|path| !path.starts_with(host.join("core")));
        let files = files.filter(|path| std::fs::read_to_string(path).unwrap().contains(words));
        let mut names: Vec<_> = files
            .map(|path| path.strip_prefix(&host).unwrap().display().to_string())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(using(".administer("), ["kit/init/port.rs", "kit/start.rs"]);
    assert_eq!(using(".port.log("), ["ahead.rs"]);
    assert_eq!(using(".port.end("), [""; 0]);
    // They hand on what the gate has allowed.
    assert_eq!(
        using("live.call(call)"),
        ["ahead.rs", "plan.rs", "plan/bound.rs"]
    );
    for (folder, words) in [
        ("reads", "Client"),
        ("reads", "Live"),
        ("reads", "Secret"),
        ("words", "core::live"),
    ] {
        assert!(
            !using(words).iter().any(|path| path.starts_with(folder)),
            "{folder} names {words}"
        );
    }
}

/// The lint denies unsafe code; this is where it is excepted.
#[test]
fn unsafe_code_is_where_it_is_known_to_be() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut excepted: Vec<String> = [
        "host",
        "plugin",
        "tests/src",
        "tests/bench",
        "tests/tests",
        "tests/fuzz",
    ]
    .iter()
    .flat_map(|folder| files(&root.join(folder)))
    .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
    .filter(|path| !path.ends_with("structure.rs"))
    .filter(|path| {
        std::fs::read_to_string(path)
            .unwrap()
            .contains("unsafe_code")
    })
    .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
    .collect();
    excepted.sort_unstable();
    // Native code that was compiled before; the bindings that wit-bindgen generates for guests.
    let known = [
        "host/src/compiled/artifact.rs",
        "plugin/guest/src/contract.rs",
        "plugin/guest/src/policy.rs",
    ];
    assert_eq!(excepted, known);
    let loaded = std::fs::read_to_string(root.join(known[0])).unwrap();
    let (before, _) = loaded.split_once("unsafe {").unwrap();
    assert_eq!(loaded.matches("unsafe {").count(), 1);
    assert!(before.contains("// SAFETY:"), "without its argument");
}

#[test]
#[expect(clippy::print_stdout, reason = "the number is there to be read")]
fn it_stays_small() {
    let code = |text: &str| text.lines().filter(|line| is_code(line)).count();
    let mut sizes: Vec<(usize, usize, String)> = core()
        .into_iter()
        .map(|(path, text)| {
            (
                code(&text),
                text.lines().count(),
                path.display().to_string(),
            )
        })
        .collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let sum: usize = sizes.iter().map(|(code, ..)| code).sum();
    let all: usize = sizes.iter().map(|(_, lines, _)| lines).sum();
    println!(
        "the trusted core has {sum} lines of code outside tests, {all} with comments; the goal is {GOAL}:"
    );
    for (code, lines, path) in &sizes {
        println!("{code:6} {lines:6} {path}");
    }
    assert!(
        sum <= CEILING,
        "{sum} lines of code are more than {CEILING}"
    );
}
