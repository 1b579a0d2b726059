//! Reads secrets from a variable, or from a file that a variable names. Never from an argument, which every process of the
//! machine can see.

use promote_core::service::secret::{Secret, SecretError};

/// The largest file that is taken for a secret.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The reason for which no secret was read. It never holds any of the secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretReadError {
    /// The text is not a secret.
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
) -> Result<Option<Secret>, SecretReadError> {
    let given = environment(name);
    let Some(path) = environment(&format!("{name}_FILE")) else {
        return Ok(given.map(|text| Secret::new(name, &text)).transpose()?);
    };
    if given.is_some() {
        return Err(SecretReadError::Twice(name.into()));
    }
    let text = read_file(&path).map_err(|error| SecretReadError::File(name.into(), error))?;
    Ok(Some(Secret::new(name, &text)?))
}

fn read_file(path: &str) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > MAX_SECRET_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    std::fs::read_to_string(path)
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
            Err(SecretReadError::Twice(_))
        ));
        assert!(matches!(
            try_read(None, Some("/does/not/exist")),
            Err(SecretReadError::File(..))
        ));
        assert!(matches!(
            try_read(Some(""), None),
            Err(SecretReadError::Unusable(SecretError::Empty(_)))
        ));
        std::fs::remove_file(file).unwrap();
    }
}
