//! The signed claims by which an App says who it is (GitHub Docs, Generating a JSON Web Token for a GitHub App).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::GitHub;
use super::answer::GitHubAnswer;

/// The number of seconds that a claim may live at most.
const MAX_CLAIM_LIFETIME: i64 = 600;
/// The number of seconds by which the clock of a client may be ahead.
const MAX_CLOCK_DRIFT: i64 = 60;

/// Returns true if GitHub takes the text for a JWT: three parts, and not the prefix of a token.
pub(super) fn looks_like_one(text: &str) -> bool {
    !text.starts_with("gh") && text.split('.').count() == 3
}

fn decode(part: &str) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Checks signature and claims, and returns the App's place among all.
pub(super) fn verify(github: &GitHub, now: Timestamp, text: &str) -> Result<usize, GitHubAnswer> {
    let broken = || GitHubAnswer::unauthorized("A JSON web token could not be decoded");
    let (signed, signature) = text.rsplit_once('.').ok_or_else(broken)?;
    let (header, claims) = signed.split_once('.').ok_or_else(broken)?;
    let header = decode(header).ok_or_else(broken)?;
    let claims = decode(claims).ok_or_else(broken)?;
    if header["alg"] != "RS256" {
        return Err(broken());
    }
    let issuer = match &claims["iss"] {
        Value::String(text) => text.clone(),
        Value::Number(id) => id.to_string(),
        _ => {
            return Err(GitHubAnswer::unauthorized(
                "'Issuer' claim ('iss') must be a string or an Integer",
            ));
        }
    };
    let mut apps = github.apps.iter();
    let place = apps.position(|app| issuer == app.client_id || issuer == app.id.to_string());
    let place =
        place.ok_or_else(|| GitHubAnswer::error(404, "Integration not found").documented(""))?;
    if let Some(key) = &github.apps[place].public_key {
        let signature = BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| broken())?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        key.verify(signed.as_bytes(), &signature)
            .map_err(|_| broken())?;
    }
    in_time(&claims, now.as_second())?;
    Ok(place)
}

fn in_time(claims: &Value, now: i64) -> Result<(), GitHubAnswer> {
    let refused = |message: &str| Err(GitHubAnswer::unauthorized(message));
    match claims["exp"].as_i64() {
        Some(exp) if exp > now + MAX_CLAIM_LIFETIME => {
            return refused("'Expiration time' claim ('exp') is too far in the future");
        }
        Some(exp) if exp > now => {}
        _ => {
            return refused(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            );
        }
    }
    match claims["iat"].as_i64() {
        Some(iat) if iat <= now + MAX_CLOCK_DRIFT => Ok(()),
        _ => refused(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ),
    }
}
