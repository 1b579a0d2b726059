//! A repository, a token and a short way to ask. Every answer can be kept for a check against GitHub's schemas.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::*;
use promote_core::service::transport::{HttpRequest, HttpResponse};

pub(super) const MANIFEST: &str = "apps/web/prod/deployment.yaml";
pub(super) const TEXT: &str =
    "kind: Deployment\nspec:\n  image: ghcr.io/acme/web:1.4.1\n  replicas: 3\n";

/// GitHub and a clock.
#[derive(Clone, Debug)]
pub(super) struct GitHubBench {
    pub(super) github: GitHub,
    pub(super) now: Timestamp,
    pub(super) token: Option<&'static str>,
}

/// An answer, taken apart.
pub(super) struct BenchAnswer {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) bytes: Vec<u8>,
    pub(super) body: Value,
}

impl BenchAnswer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

impl GitHubBench {
    pub(super) fn new() -> Self {
        let mut github = GitHub::default();
        let repository = github.create_repository(
            "acme/gitops",
            [(MANIFEST, TEXT), ("README.md", "# GitOps\n")],
        );
        repository
            .collaborators
            .extend(["dana".to_owned(), "erin".to_owned()]);
        github.tokens.insert(
            "mock-github-token",
            GitHubToken::full(TokenKind::Installation { id: 7 }, "promote[bot]"),
        );
        Self {
            github,
            now: "2026-02-01T12:00:00Z".parse().unwrap(),
            token: Some("mock-github-token"),
        }
    }

    pub(super) fn with_token(kind: TokenKind) -> Self {
        let mut kit = Self::new();
        kit.github
            .tokens
            .insert("mock-github-token", GitHubToken::full(kind, "dana"));
        kit
    }

    pub(super) fn repository(&mut self) -> &mut RepositoryState {
        self.github.find_mut("acme/gitops").unwrap()
    }

    pub(super) fn wait(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    pub(super) fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> http::request::Builder {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("https://api.github.com{path}"))
            .header("user-agent", "promote-tests")
            .header("accept", "application/vnd.github+json");
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        request
    }

    /// Asks below the repository, or anywhere if the path starts with a slash.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: Value) -> BenchAnswer {
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/repos/acme/gitops/{path}")
        };
        let body = Some(body).filter(|body| !body.is_null());
        let bytes = body
            .as_ref()
            .map(|body| serde_json::to_vec(body).unwrap())
            .unwrap_or_default();
        let request = self.request(method, &path, body).body(bytes).unwrap();
        self.send(&request)
    }

    pub(super) fn get(&mut self, path: &str) -> BenchAnswer {
        self.ask("GET", path, Value::Null)
    }

    pub(super) fn post(&mut self, path: &str, body: Value) -> BenchAnswer {
        self.ask("POST", path, body)
    }

    pub(super) fn send(&mut self, request: &HttpRequest) -> BenchAnswer {
        let response: HttpResponse = self.github.handle(self.now, request);
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        keep(request, &response, &body);
        let (parts, bytes) = response.into_parts();
        BenchAnswer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes,
            body,
        }
    }

    pub(super) fn main(&self) -> String {
        self.github
            .find("acme/gitops")
            .unwrap()
            .branch("main")
            .unwrap()
            .to_string()
    }

    /// Commits one file to a new branch as the client does, and returns the commit.
    pub(super) fn branch(&mut self, branch: &str, path: &str, text: &str) -> String {
        let base = self.main();
        let tree = json!({"base_tree": base, "tree": [{"path": path, "mode": "100644", "type": "blob", "content": text}]});
        let tree = self.post("git/trees", tree).body["sha"].clone();
        let commit = json!({"message": "promote web", "tree": tree, "parents": [base]});
        let commit = self.post("git/commits", commit).body["sha"]
            .as_str()
            .unwrap()
            .to_owned();
        let made = self.post(
            "git/refs",
            json!({"ref": format!("refs/heads/{branch}"), "sha": commit}),
        );
        assert_eq!(made.status, 201, "{}", made.body);
        commit
    }

    /// Opens a pull request that changes the manifest, and returns its head.
    pub(super) fn open(&mut self, branch: &str) -> String {
        let head = self.branch(branch, MANIFEST, &TEXT.replace("1.4.1", "1.4.2"));
        let made = self.post(
            "pulls",
            json!({"title": "Promote web", "head": branch, "base": "main", "body": "why"}),
        );
        assert_eq!(made.status, 201, "{}", made.body);
        head
    }
}

/// Writes the exchange to the file that `GITHUB_ANSWERS` names, one JSON text a line.
fn keep(request: &HttpRequest, response: &HttpResponse, body: &Value) {
    let Some(file) = std::env::var_os("GITHUB_ANSWERS") else {
        return;
    };
    let sent: Value = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    let line = json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "accept": request.headers().get("accept").and_then(|value| value.to_str().ok()),
        "request": sent,
        "status": response.status().as_u16(),
        "body": body,
    });
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    writeln!(file, "{line}").unwrap();
}
