//! Where secrets come from: a variable, or a file that a variable names. Never an argument, which every process of the
//! machine can see.

use promote_core::service::secret::{Secret, SecretError};

/// The largest file that is taken for a secret.
const LARGEST: u64 = 64 * 1024;

/// Why no secret was read. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// It was read, and is none.
    #[error(transparent)]
    Unusable(#[from] SecretError),
    /// Given in both ways.
    #[error("{0} and {0}_FILE are both set: set one of them")]
    Twice(String),
    /// The file cannot be read.
    #[error("cannot read the file that {0}_FILE names: {1}")]
    File(String, std::io::Error),
}

/// Reads the secret from the variable `name`, or from the file that the variable `name` + `_FILE` names; none if neither is
/// set. `environment` looks a variable up.
///
/// # Errors
/// If both are set, if the file cannot be read, or as [`Secret::new`] does.
pub(super) fn read(
    name: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, Unread> {
    let given = environment(name);
    let Some(path) = environment(&format!("{name}_FILE")) else {
        return Ok(given.map(|text| Secret::new(name, &text)).transpose()?);
    };
    if given.is_some() {
        return Err(Unread::Twice(name.into()));
    }
    let unreadable = |error| Unread::File(name.into(), error);
    if std::fs::metadata(&path).map_err(unreadable)?.len() > LARGEST {
        return Err(unreadable(std::io::ErrorKind::FileTooLarge.into()));
    }
    let text = std::fs::read_to_string(&path).map_err(unreadable)?;
    Ok(Some(Secret::new(name, &text)?))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn reads_a_variable_or_a_file_but_not_both() {
        let file = std::env::temp_dir().join(format!("promote-secret-{}", std::process::id()));
        std::fs::write(&file, "from-file\n").unwrap();
        let path = file.display().to_string();
        let try_read = |variable: Option<&str>, path: Option<&str>| {
            let get = |name: &str| match name {
                "T" => variable.map(str::to_owned),
                "T_FILE" => path.map(str::to_owned),
                _ => None,
            };
            read("T", get).map(|s| s.map(|s| s.expose().to_owned()))
        };
        assert_eq!(try_read(None, None).unwrap(), None);
        assert_eq!(try_read(Some("v"), None).unwrap().as_deref(), Some("v"));
        assert_eq!(
            try_read(None, Some(&path)).unwrap().as_deref(),
            Some("from-file")
        );
        assert!(matches!(
            try_read(Some("v"), Some(&path)),
            Err(Unread::Twice(_))
        ));
        assert!(matches!(
            try_read(None, Some("/does/not/exist")),
            Err(Unread::File(..))
        ));
        assert!(matches!(
            try_read(Some(""), None),
            Err(Unread::Unusable(SecretError::Empty(_)))
        ));
        std::fs::remove_file(file).unwrap();
    }
}
