//! Who we are to a registry: variables that name it, else docker's own configuration. Never `promote.toml`, never an
//! argument.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use promote_core::service::secret::Secret;

/// Most bytes of a docker configuration that are read.
const LARGEST: u64 = 1 << 20;

/// The places where credentials are looked for.
#[derive(Clone, Debug, Default)]
pub struct RegistryAccess {
    /// The credentials in the environment, and their registry.
    pub given: Option<(String, RegistryLogin)>,
    /// Docker's configuration, as `docker login` writes it.
    pub docker: Option<PathBuf>,
}

/// A user of a registry.
#[derive(Clone, Debug)]
pub struct RegistryLogin {
    /// The name; not secret.
    pub user: String,
    /// The password, or a token in its place.
    pub password: Secret,
}

impl RegistryAccess {
    /// Finds the credentials for this registry; none if nothing names any.
    ///
    /// # Errors
    /// When docker's configuration is there and cannot be read. Nothing of it is in the error.
    pub fn to(&self, registry: &str) -> anyhow::Result<Option<RegistryLogin>> {
        if let Some((_, login)) = self.given.as_ref().filter(|(given, _)| given == registry) {
            return Ok(Some(login.clone()));
        }
        let Some(path) = self.docker.as_ref().filter(|path| path.is_file()) else {
            return Ok(None);
        };
        let unreadable =
            |why: &str| anyhow::anyhow!("docker's configuration {} {why}", path.display());
        let size = std::fs::metadata(path).map_or(0, |found| found.len());
        let text = std::fs::read_to_string(path)
            .ok()
            .filter(|_| size <= LARGEST);
        let config: Value = text
            .and_then(|text| serde_json::from_str(&text).ok())
            .ok_or_else(|| unreadable("cannot be read"))?;
        match stored(&config, registry) {
            None => Ok(None),
            Some(login) => login
                .map(Some)
                .ok_or_else(|| unreadable(&format!("has no usable entry for {registry}"))),
        }
    }

    /// Names the places where the user may look, for an error.
    pub fn hint(&self, registry: &str) -> String {
        let docker = self
            .docker
            .as_ref()
            .map(|path| format!("`docker login {registry}` ({})", path.display()));
        let docker = docker.unwrap_or_else(|| "docker's configuration".to_owned());
        format!(
            "set PROMOTE_REGISTRY={registry}, PROMOTE_REGISTRY_USER and PROMOTE_REGISTRY_PASSWORD, or use {docker}; \
             a credential helper of docker's is not asked"
        )
    }
}

/// The entry of a registry in docker's `auths`; an entry that is there and cannot be used is some none.
fn stored(config: &Value, registry: &str) -> Option<Option<RegistryLogin>> {
    let name = if registry == "docker.io" {
        "index.docker.io"
    } else {
        registry
    };
    let spellings = [
        name.to_owned(),
        format!("https://{name}"),
        format!("https://{name}/v1/"),
        format!("https://{name}/v2/"),
    ];
    let entry = spellings
        .iter()
        .find_map(|spelling| config["auths"].get(spelling))?;
    // With a helper, docker leaves an empty entry.
    let auth = entry["auth"].as_str().filter(|auth| !auth.is_empty())?;
    let decoded = STANDARD
        .decode(auth)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    Some(decoded.and_then(|text| {
        let (user, password) = text.split_once(':')?;
        let password = Secret::new("docker's password", password.trim_end_matches('\0')).ok()?;
        Some(RegistryLogin {
            user: user.to_owned(),
            password,
        })
    }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_for_its_registry_only() {
        let auth = STANDARD.encode("ann:s3:cr3t");
        let config = json!({ "auths": {
            "ghcr.io": { "auth": auth }, "https://index.docker.io/v1/": { "auth": auth },
            "helped.io": {}, "broken.io": { "auth": "%%%" },
        }});
        let user =
            |registry: &str| stored(&config, registry).map(|login| login.map(|login| login.user));
        let ann = Some(Some("ann".to_owned()));
        assert_eq!((user("ghcr.io"), user("docker.io")), (ann.clone(), ann));
        assert_eq!(
            (
                user("evil.ghcr.io"),
                user("ghcr.io:5000"),
                user("helped.io")
            ),
            (None, None, None)
        );
        assert_eq!(user("broken.io"), Some(None));
        assert_eq!(
            stored(&config, "ghcr.io")
                .unwrap()
                .unwrap()
                .password
                .expose(),
            "s3:cr3t"
        );
    }

    #[test]
    fn what_the_environment_gives_goes_nowhere_else() {
        let login = RegistryLogin {
            user: "ann".to_owned(),
            password: Secret::new("it", "s3cr3t").unwrap(),
        };
        let access = RegistryAccess {
            given: Some(("ghcr.io".to_owned(), login)),
            docker: None,
        };
        assert!(access.to("ghcr.io").unwrap().is_some());
        assert!(access.to("evil.io").unwrap().is_none());
        assert!(!format!("{access:?}").contains("s3cr3t"));
    }
}
