//! Access rights in a world file: GitHub Apps, their installations, and the reach of a token.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use toml::Spanned;

use super::{FilePlace, WorldFileError};
use crate::github::{
    AppInstallation, GitHub, GitHubApp, PermissionLevel, PermissionTable, RepositoryAccess,
};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LevelFile {
    Read,
    Write,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AppFile {
    id: Spanned<u64>,
    client_id: String,
    slug: String,
    owner: String,
    /// A file with its RSA public key, PEM of PKCS #1. Without it every signature is good.
    public_key: Option<String>,
    #[serde(default)]
    installations: Vec<InstallationFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct InstallationFile {
    id: Spanned<u64>,
    account: String,
    /// The repositories that it covers; all of the account if the key is missing.
    repositories: Option<Vec<String>>,
    permissions: BTreeMap<String, LevelFile>,
    #[serde(default)]
    suspended: bool,
}

impl AppFile {
    pub(super) fn build(
        self,
        at: &FilePlace<'_>,
        github: &GitHub,
    ) -> Result<GitHubApp, WorldFileError> {
        let offset = self.id.span().start;
        let key = "github.apps public-key";
        let public_key = match &self.public_key {
            None => None,
            Some(file) => {
                let decoded = public_key(&at.read(offset, key, file)?);
                Some(decoded.ok_or_else(|| {
                    at.error(offset, key, format!("{file} holds no RSA PUBLIC KEY"))
                })?)
            }
        };
        let installations = self.installations.into_iter().map(|installation| {
            let offset = installation.id.span().start;
            Ok(AppInstallation {
                id: installation.id.into_inner(),
                account: installation.account,
                access: reach(at, offset, github, installation.repositories.as_deref())?,
                permissions: permissions(installation.permissions),
                suspended: installation.suspended,
            })
        });
        Ok(GitHubApp {
            id: self.id.into_inner(),
            client_id: self.client_id,
            slug: self.slug,
            owner: self.owner,
            public_key,
            installations: installations.collect::<Result<_, WorldFileError>>()?,
        })
    }
}

/// Returns the DER inside a PEM file of an RSA public key.
fn public_key(pem: &str) -> Option<Vec<u8>> {
    let body = pem
        .trim()
        .strip_prefix("-----BEGIN RSA PUBLIC KEY-----")?
        .strip_suffix("-----END RSA PUBLIC KEY-----")?;
    let body: String = body.split_whitespace().collect();
    BASE64_STANDARD.decode(body).ok()
}

/// Returns the access to the repositories of these names, or to all without a list.
pub(super) fn reach(
    at: &FilePlace<'_>,
    offset: usize,
    github: &GitHub,
    names: Option<&[String]>,
) -> Result<RepositoryAccess, WorldFileError> {
    let Some(names) = names else {
        return Ok(RepositoryAccess::All);
    };
    let ids = names.iter().map(|name| {
        let found = github.find(name).map(|repository| repository.id);
        found.ok_or_else(|| {
            let message = format!("there is no repository {name}");
            at.error(offset, "github repositories", message)
        })
    });
    Ok(RepositoryAccess::Only(ids.collect::<Result<_, _>>()?))
}

pub(super) fn permissions(file: BTreeMap<String, LevelFile>) -> PermissionTable {
    file.into_iter()
        .map(|(name, level)| match level {
            LevelFile::Read => (name, PermissionLevel::Read),
            LevelFile::Write => (name, PermissionLevel::Write),
        })
        .collect()
}
