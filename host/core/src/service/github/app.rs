//! A GitHub App's tokens: each minted for granted repositories and the permissions that their grants need, checked, and given
//! back. A token has the same permissions on all of its repositories, so what is only read has a token of its own.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::service::github::RepositoryName;
use crate::service::http::{Http, MintedToken, Refusal, Request, ServiceError, ServiceResult};
use crate::service::secret::Secret;

/// An App, and the most that this run needs of it.
#[derive(Clone, Debug)]
pub struct App {
    /// Its client id, or its id.
    pub issuer: String,
    /// Its private key, PEM, PKCS#1 or PKCS#8.
    pub key: Secret,
    /// What its tokens are for; the first is minted early.
    pub scopes: Vec<TokenScope>,
}

/// The most that one token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScope {
    /// The repositories. One installation covers them, so they have one owner.
    pub repositories: Vec<RepositoryName>,
    /// The permissions that the grants need on each of them, for example `contents` to `write`.
    pub permissions: BTreeMap<String, String>,
}

/// "Revoke an installation access token".
pub(super) async fn revoke(minted: MintedToken, http: &Http) -> ServiceResult<()> {
    let request = Request::write(Method::DELETE, "/installation/token", Value::Null);
    match http
        .send(&Request {
            bearer: Some(minted.token),
            ..request
        })
        .await
    {
        // It is invalid already, by time or by an earlier try whose answer was lost.
        Err(error) if error.says(401, "") => Ok(()),
        other => other.map(drop),
    }
}

impl TokenScope {
    /// Returns whether a repository is among those of the token. GitHub's names are the same in any case.
    pub(super) fn covers(&self, repository: &RepositoryName) -> bool {
        self.repositories.iter().any(|known| {
            known.owner.eq_ignore_ascii_case(&repository.owner)
                && known.name.eq_ignore_ascii_case(&repository.name)
        })
    }

    /// Finds a right of a token beyond those that were asked for, if there is one.
    fn excess(&self, granted: &Value) -> Option<String> {
        let levels = ["", "read", "write"];
        let rank = |level: &str| {
            levels
                .iter()
                .position(|l| *l == level)
                .unwrap_or(levels.len())
        };
        for (name, level) in granted["permissions"].as_object().into_iter().flatten() {
            // Every token reads metadata, whatever was asked for.
            let least = if name == "metadata" { "read" } else { "" };
            let asked = self.permissions.get(name).map_or(least, String::as_str);
            if rank(level.as_str().unwrap_or("?")) > rank(asked) {
                return Some(format!("{name} {level}"));
            }
        }
        if granted["repository_selection"] == "all" {
            return Some("all repositories of the owner".into());
        }
        let known = |name: &str| {
            self.repositories
                .iter()
                .any(|r| r.name.eq_ignore_ascii_case(name))
        };
        let names = granted["repositories"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|r| &r["name"]);
        let mut others = names.filter(|name| !name.as_str().is_some_and(known));
        others.next().map(|name| format!("repository {name}"))
    }
}

/// Says what to do about an App that gets no token ("Authenticating as a GitHub App installation").
fn cure(refusal: &Refusal) -> &'static str {
    let says = |text| refusal.message.contains(text);
    match refusal.status.as_u16() {
        401 => "the key is not one of the App with this id, or this machine's clock is wrong",
        403 if says("suspended") => {
            "its installation is suspended: its organisation can lift that, under installed Apps"
        }
        404 => "install the App on the owner of this repository, and give it this repository",
        422 if says("permissions requested") => {
            "add the permissions in the App's settings, and accept them at its installation"
        }
        422 => "give the installation every repository that a grant names, by its present name",
        _ => "check the App and its installation",
    }
}

impl App {
    /// Mints the token of a scope ("Create an installation access token for an app") and checks that it is not wider than
    /// asked for.
    pub(super) async fn mint(&self, scope: usize, http: &Http) -> ServiceResult<MintedToken> {
        let malformed = |why| ServiceError::Malformed(format!("App {:?}: {why}", self.issuer));
        let scope = self.scopes.get(scope);
        let Some((scope, [first, others @ ..])) =
            scope.map(|scope| (scope, scope.repositories.as_slice()))
        else {
            return Err(malformed(
                "no repository is granted, so there is no token to mint".into(),
            ));
        };
        let foreign = |r: &&RepositoryName| !r.owner.eq_ignore_ascii_case(&first.owner);
        if let Some(RepositoryName { owner, .. }) = others.iter().find(foreign) {
            let owners = format!("grants name repositories of {} and of {owner}", first.owner);
            return Err(malformed(
                owners + ", and a token covers those of one owner",
            ));
        }
        let jwt = self.jwt(http.session.now()).map_err(malformed)?;
        http.session.minted(&jwt);
        let send = async |request| {
            http.send(&Request {
                bearer: Some(jwt.clone()),
                ..request
            })
            .await
            .map_err(|error| error.of_token(&format!("App {:?}", self.issuer), cure))
        };
        let id: u64 = send(Request::get(format!("{first}/installation")))
            .await?
            .field("id")?;
        let names: Vec<_> = scope.repositories.iter().map(|r| r.name.as_str()).collect();
        let body = json!({ "repositories": names, "permissions": scope.permissions });
        let target = format!("/app/installations/{id}/access_tokens");
        // A second token of an answer that was lost is harmless: the first one is known to nobody.
        let answer = send(Request::write(Method::POST, target, body)).await?;
        let token = http.secret(&answer, "token")?;
        let end: Timestamp = answer.field("expires_at")?;
        // A minute early, so that none ends on its way.
        let minted = MintedToken {
            token,
            until: end.checked_sub(SignedDuration::from_mins(1)).unwrap_or(end),
        };
        match scope.excess(&answer.json()?) {
            None => Ok(minted),
            Some(excess) => {
                revoke(minted, http).await?;
                Err(malformed(format!(
                    "the token is wider than the grants: {excess}"
                )))
            }
        }
    }

    /// A token of the App itself, for nine of the ten minutes allowed ("Generating a JSON web token").
    fn jwt(&self, now: Timestamp) -> Result<Secret, String> {
        let now = now.as_second();
        let claims = json!({ "iat": now - 60, "exp": now + 540, "iss": self.issuer });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "RS256", "typ": "JWT" });
        let text = format!("{}.{}", part(&header), part(&claims));
        let (key, random) = (key_pair(self.key.expose())?, SystemRandom::new());
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .map_err(|_| "signing failed")?;
        let jwt = format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        Secret::new("the App's token", &jwt).map_err(|error| error.to_string())
    }
}

/// Reads a private key. Its line ends may have become `\n`, two characters, on the way through an environment variable.
fn key_pair(pem: &str) -> Result<RsaKeyPair, String> {
    let pem = pem.replace("\\n", "\n");
    let pair = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        _ => return Err("the private key is not a PEM block of an RSA key".into()),
    };
    pair.map_err(|why| format!("the private key cannot be used: {why}"))
}
