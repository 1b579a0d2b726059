//! Native code: where it is loaded from, and that nothing is loaded that somebody else could have written.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use promote_core::journal::digest;
use promote_core::policy::engine::Engine;
use promote_core::policy::native::{CodeArtifact, CodeCache, CodeOrigin, engine};
use promote_intake::builtin;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine().unwrap());
/// The default policy in native code, made once, and the key that it is kept under.
static ARTIFACT: LazyLock<(String, Vec<u8>)> = LazyLock::new(|| {
    let folder = CacheFolder::new("original");
    folder.load();
    let file = fs::read_dir(&folder.0).unwrap().next().unwrap().unwrap();
    let name = file.file_name().into_string().unwrap();
    let key = name.strip_suffix(".compiled").unwrap().to_owned();
    (key, fs::read(file.path()).unwrap())
});

/// A folder of this test's own, gone with it.
struct CacheFolder(PathBuf);

impl CacheFolder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("promote-compiled-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    /// With the artifact in it; its file.
    fn filled(name: &str) -> (Self, PathBuf) {
        let folder = Self::new(name);
        let (key, artifact) = &*ARTIFACT;
        let name = format!("{key}.compiled");
        CodeCache::open(&folder.0)
            .unwrap()
            .put(&name, artifact)
            .unwrap();
        let file = folder.0.join(name);
        (folder, file)
    }

    fn load(&self) -> (CodeOrigin, String) {
        let said = Mutex::new(String::new());
        let say = |text: &str| said.lock().unwrap().push_str(text);
        let (policy, origin) =
            builtin::load(&ENGINE, builtin::POLICY, Some(&self.0), &say).unwrap();
        assert_eq!(policy.digest, digest(builtin::POLICY));
        (origin, said.into_inner().unwrap())
    }
}

impl Drop for CacheFolder {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_policy_is_compiled_once_and_kept_for_this_user_alone() {
    let folder = CacheFolder::new("once");
    assert_eq!(folder.load(), (CodeOrigin::Compiler, String::new()));
    assert_eq!(folder.load(), (CodeOrigin::Cache, String::new()));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files: Vec<_> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(
        (mode(&folder.0), files.len(), mode(&files[0])),
        (0o700, 1, 0o600)
    );
}

#[test]
fn a_file_that_is_not_what_was_written_is_made_anew() {
    type Harm = fn(&Path);
    let cases: [(&str, Harm, &str); 7] = [
        (
            "flipped",
            |path| edit(path, &|bytes| *bytes.last_mut().unwrap() ^= 1),
            "changed or cut off",
        ),
        (
            "cut",
            |path| edit(path, &|bytes| bytes.truncate(bytes.len() / 2)),
            "changed or cut off",
        ),
        (
            "empty",
            |path| edit(path, &Vec::clear),
            "not a compiled policy",
        ),
        (
            "foreign",
            |path| edit(path, &|bytes| bytes[0] = b'P'),
            "not a compiled policy",
        ),
        (
            "other",
            |path| edit(path, &|bytes| bytes[MAGIC_LENGTH] ^= 1),
            "compiled from something else",
        ),
        (
            "writable",
            |path| fs::set_permissions(path, Permissions::from_mode(0o620)).unwrap(),
            "can be written by others",
        ),
        (
            "linked",
            |path| {
                fs::rename(path, path.with_extension("moved")).unwrap();
                symlink(path.with_extension("moved"), path).unwrap();
            },
            "not a regular file",
        ),
    ];
    for (name, harm, why) in cases {
        let (folder, file) = CacheFolder::filled(name);
        harm(&file);
        let (origin, said) = folder.load();
        assert_eq!(origin, CodeOrigin::Compiler, "{name}");
        assert!(
            said.contains("made anew") && said.contains(why),
            "{name}: {said}"
        );
        assert_eq!(folder.load(), (CodeOrigin::Cache, String::new()), "{name}");
    }
}

fn edit(path: &Path, change: &dyn Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// The first line, whose end is followed by the key.
const MAGIC_LENGTH: usize = "promote compiled policy 1\n".len();

#[test]
fn a_folder_that_others_can_write_is_not_used() {
    let (open, _) = CacheFolder::filled("open");
    fs::set_permissions(&open.0, Permissions::from_mode(0o777)).unwrap();
    let (origin, said) = open.load();
    assert_eq!(origin, CodeOrigin::Compiler);
    assert!(said.contains("can be written by others"), "{said}");

    let (real, _) = CacheFolder::filled("real");
    let linked = CacheFolder::new("linked-folder");
    symlink(&real.0, &linked.0).unwrap();
    let (origin, said) = linked.load();
    assert_eq!(origin, CodeOrigin::Compiler);
    assert!(said.contains("is not a folder"), "{said}");

    let below = CacheFolder(open.0.join("below"));
    let (_, said) = below.load();
    assert!(said.contains("can be written by others"), "{said}");
}

#[test]
fn what_belongs_to_somebody_else_is_not_used() {
    let (folder, file) = CacheFolder::filled("foreign-owner");
    // Only root can give a file away; anybody else finds root's own folders.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let problem = if is_root {
        chown(&file, Some(65_534), None).unwrap();
        let (origin, said) = folder.load();
        assert_eq!(origin, CodeOrigin::Compiler);
        said
    } else {
        CodeCache::open(Path::new("/usr")).unwrap_err().to_string()
    };
    assert!(problem.contains("belongs to somebody else"), "{problem}");
}

#[test]
fn several_at_once_find_it_whole() {
    let (folder, file) = CacheFolder::filled("at-once");
    let key = file.file_stem().unwrap().to_str().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let cache = CodeCache::open(&folder.0).unwrap();
                for _ in 0..20 {
                    cache.put(key, &ARTIFACT.1).unwrap();
                    let held = cache.get(key).unwrap().unwrap();
                    CodeArtifact::parse(&held, key).unwrap();
                }
            });
        }
    });
    assert_eq!(folder.load(), (CodeOrigin::Cache, String::new()));
}

#[test]
fn old_files_go() {
    let folder = CacheFolder::new("old");
    let cache = CodeCache::open(&folder.0).unwrap();
    for number in 0..40 {
        cache.put(&format!("{number}"), b"x").unwrap();
    }
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 32);
    assert!(cache.get("39").unwrap().is_some());
}
