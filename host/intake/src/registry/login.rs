//! Who we are to a registry: variables that name it, else docker's own configuration and the credential helper that it
//! names. Never `promote.toml`, never an argument.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use promote_core::service::secret::{Login, Secret};

/// Most bytes of a docker configuration that are read.
const LARGEST: u64 = 1 << 20;

/// The places where credentials are looked for.
#[derive(Clone, Debug, Default)]
pub struct RegistryAccess {
    /// The credentials in the environment, and their registry.
    pub given: Option<(String, Login)>,
    /// Docker's configuration, as `docker login` writes it.
    pub docker: Option<PathBuf>,
}

impl RegistryAccess {
    /// Finds the credentials for this registry; none if nothing names any.
    ///
    /// # Errors
    /// When docker's configuration is there and cannot be read. Nothing of it is in the error.
    pub fn to(&self, registry: &str) -> anyhow::Result<Option<Login>> {
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
        if let Some(helper) = helper_of(&config, registry) {
            let asked = ask_helper(&helper, registry);
            return asked.map_err(|why| {
                anyhow::anyhow!(
                    "docker's credential helper `{}` {why}",
                    helper.escape_debug()
                )
            });
        }
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
            "set PROMOTE_REGISTRY={registry}, PROMOTE_REGISTRY_USER and PROMOTE_REGISTRY_PASSWORD, or use {docker}"
        )
    }
}

/// The longest time that a credential helper takes; one that asks a person something never ends here.
const HELPER_TIME: Duration = Duration::from_secs(20);
/// The most bytes that a credential helper may answer.
const MAX_HELPER_ANSWER: u64 = 64 << 10;
/// Our own secrets, which are none of a helper's business.
const OWN_SECRETS: [&str; 4] = [
    "PORT_CLIENT_SECRET",
    "GITHUB_TOKEN",
    "GITHUB_APP_PRIVATE_KEY",
    "PROMOTE_REGISTRY_PASSWORD",
];

/// The name by which docker calls a registry.
fn docker_name(registry: &str) -> &str {
    match registry {
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    }
}

/// The helper that docker's configuration names for a registry: its own, else the one for all.
fn helper_of(config: &Value, registry: &str) -> Option<String> {
    let own = config["credHelpers"].get(docker_name(registry));
    let own = own.or_else(|| config["credHelpers"].get(registry));
    let name = own.or_else(|| config.get("credsStore"))?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Asks a helper, by docker's protocol: `docker-credential-NAME get`, the registry on its standard input.
fn ask_helper(name: &str, registry: &str) -> Result<Option<Login>, String> {
    let is_name = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !is_name(name) {
        return Err("has a name that is none: letters, digits, `-`, `_` and `.`".to_owned());
    }
    let mut command = Command::new(format!("docker-credential-{name}"));
    for secret in OWN_SECRETS {
        command.env_remove(secret);
    }
    let mut helper = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if let Some(mut input) = helper.stdin.take() {
        // A helper that does not read has ended, which its answer shows.
        let _ = writeln!(input, "{}", docker_name(registry));
    }
    let output = helper.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        let taken = output.map(|output| output.take(MAX_HELPER_ANSWER).read_to_string(&mut text));
        taken.and_then(Result::ok).map(|_| text)
    });
    let started = Instant::now();
    let status = loop {
        match helper.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < HELPER_TIME => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                let _ = helper.kill();
                let _ = helper.wait();
                return Err(format!("took longer than {HELPER_TIME:?}"));
            }
        }
    };
    let text = reader.join().ok().flatten().unwrap_or_default();
    if !status.success() {
        // docker-credential-helpers, `credentials/error.go`: the only words that mean that there is none.
        if text.contains("credentials not found in native keychain") {
            return Ok(None);
        }
        return Err(format!(
            "failed ({status}) for {registry}: log in with docker again"
        ));
    }
    helper_login(&text)
        .map(Some)
        .ok_or_else(|| format!("gave no user and password for {registry}"))
}

/// Reads the answer of a helper. An identity token, which is no password, is not used.
fn helper_login(text: &str) -> Option<Login> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let user = answer["Username"]
        .as_str()
        .filter(|user| *user != "<token>")?;
    let password = Secret::new("the helper's password", answer["Secret"].as_str()?).ok()?;
    Some(Login {
        user: user.to_owned(),
        password,
    })
}

/// The entry of a registry in docker's `auths`; an entry that is there and cannot be used is some none.
fn stored(config: &Value, registry: &str) -> Option<Option<Login>> {
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
        Some(Login {
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
    fn a_helper_is_asked_for_what_docker_says_it_is_for() {
        let config = json!({
            "credHelpers": { "gcr.io": "gcloud", "https://index.docker.io/v1/": "hub", "none.io": "" },
            "credsStore": "desktop",
        });
        let helper = |registry: &str| helper_of(&config, registry);
        assert_eq!(helper("gcr.io").as_deref(), Some("gcloud"));
        assert_eq!(helper("docker.io").as_deref(), Some("hub"));
        assert_eq!(helper("ghcr.io").as_deref(), Some("desktop"));
        assert_eq!(helper("none.io"), None);
        for name in ["../evil", "a b", "a;b", "/bin/sh"] {
            assert!(ask_helper(name, "ghcr.io").is_err(), "{name}");
        }
        assert!(ask_helper("there-is-no-such-helper", "ghcr.io").is_err());
        let login = helper_login(r#"{"ServerURL":"x","Username":"ann","Secret":"s"}"#).unwrap();
        assert_eq!((login.user.as_str(), login.password.expose()), ("ann", "s"));
        for answer in [
            r#"{"Username":"<token>","Secret":"s"}"#,
            r#"{"Username":"ann","Secret":""}"#,
            "credentials not found",
        ] {
            assert!(helper_login(answer).is_none(), "{answer}");
        }
    }

    #[test]
    fn what_the_environment_gives_goes_nowhere_else() {
        let login = Login {
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
