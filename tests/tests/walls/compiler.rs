//! The Rust compiler, with the libraries that this test was built with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

/// Compiles programs that use the core.
pub(crate) struct Compiler {
    /// The folder of every library.
    libraries: PathBuf,
    core: PathBuf,
}

impl Compiler {
    /// Finds the libraries beside the program of this test. Of several builds of the core the newest is taken: whichever
    /// it is, it was built from the newest source.
    pub(crate) fn find() -> Self {
        let program = std::env::current_exe().unwrap();
        let libraries = program.parent().unwrap().to_owned();
        let mut newest: Option<(SystemTime, PathBuf)> = None;
        for entry in std::fs::read_dir(&libraries).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let name = name.to_str().unwrap_or_default();
            if name.starts_with("libpromote_core-") && name.ends_with(".rlib") {
                let built = entry.metadata().unwrap().modified().unwrap();
                newest = newest.max(Some((built, entry.path())));
            }
        }
        let (_, core) = newest.expect("cargo builds the core before its tests");
        Self { libraries, core }
    }

    /// Compiles a program, and returns its errors: each with its code, and with the lines that it points at. What a hint
    /// says, and where in the core something is declared, may change at any time and is left out.
    pub(crate) fn errors(&self, program: &Path) -> String {
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-name=case", "--crate-type=bin"])
            .args([
                "--emit=metadata",
                "--error-format=json",
                "--cap-lints=allow",
            ])
            .arg(format!("--extern=promote_core={}", self.core.display()))
            .arg(format!("-Ldependency={}", self.libraries.display()))
            .arg("--out-dir")
            .arg(tempfile::tempdir().unwrap().path())
            .arg(program)
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let mut text = String::new();
        for line in stderr.lines() {
            let Ok(diagnostic) = serde_json::from_str::<Value>(line) else {
                panic!("{}: not from the compiler: {stderr}", program.display());
            };
            if diagnostic["level"] == "error" && !diagnostic["spans"][0].is_null() {
                text += &describe(&diagnostic, program);
            }
        }
        let compiles = output.status.success();
        assert_eq!(compiles, text.is_empty(), "{}: {stderr}", program.display());
        text
    }
}

fn describe(diagnostic: &Value, program: &Path) -> String {
    let code = diagnostic["code"]["code"].as_str().unwrap_or_default();
    let message = diagnostic["message"].as_str().unwrap_or_default();
    let mut text = format!("error[{code}]: {message}\n");
    for span in diagnostic["spans"].as_array().unwrap() {
        let is_here = span["file_name"].as_str() == program.to_str();
        if is_here && span["is_primary"] == true {
            let line = span["text"][0]["text"].as_str().unwrap_or_default();
            let label = span["label"].as_str().unwrap_or_default();
            text += &format!("  {}: {} ({label})\n", span["line_start"], line.trim());
        }
    }
    text
}
