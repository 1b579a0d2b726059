#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const WEB: &str = "ghcr.io/acme/web";

fn world() -> Registry {
    let mut registry = Registry::default();
    registry
        .logins
        .insert("ann".to_owned(), SecretText::new("pass"));
    let build = ImageBuild {
        platforms: vec!["linux/amd64".to_owned(), "linux/arm64/v8".to_owned()],
        ..ImageBuild::default()
    };
    registry.push(WEB, "1", &build);
    registry
}

fn get(registry: &mut Registry, uri: &str, authorization: &str) -> HttpResponse {
    let request = http::Request::get(uri).header("authorization", authorization);
    let mut request = request.body(Vec::new()).unwrap();
    if authorization.is_empty() {
        request.headers_mut().clear();
    }
    registry.handle(&request)
}

fn token(registry: &mut Registry, authorization: &str) -> Option<String> {
    let uri = "https://registry.mock/token?service=ghcr.io&scope=repository%3Aacme%2Fweb%3Apull";
    let answer = get(registry, uri, authorization);
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    Some(format!("Bearer {}", body["token"].as_str()?))
}

#[test]
fn everything_wants_a_token_and_a_private_image_a_user() {
    let mut registry = world();
    let manifest = "https://registry.mock/v2/acme/web/manifests/1?ns=ghcr.io";
    let refused = get(&mut registry, manifest, "");
    assert_eq!(refused.status(), 401);
    assert_eq!(
        refused.headers()["www-authenticate"],
        "Bearer realm=\"https://registry.mock/token\",service=\"ghcr.io\",scope=\"repository:acme/web:pull\""
    );
    let anybody = token(&mut registry, "").unwrap();
    assert_eq!(get(&mut registry, manifest, &anybody).status(), 200);
    registry.repositories.get_mut(WEB).unwrap().is_private = true;
    assert_eq!(token(&mut registry, ""), None);
    assert_eq!(token(&mut registry, "Basic YW5uOndyb25n"), None);
    let ann = token(&mut registry, "Basic YW5uOnBhc3M=").unwrap();
    assert_eq!(get(&mut registry, manifest, &ann).status(), 200);
    let other = "https://registry.mock/v2/acme/api/manifests/1?ns=ghcr.io";
    assert_eq!(get(&mut registry, other, &ann).status(), 401);
}

#[test]
fn a_tag_and_its_digest_are_one_and_what_is_named_is_there() {
    let mut registry = world();
    let anybody = token(&mut registry, "").unwrap();
    let fetch = |registry: &mut Registry, kind: &str, name: &str| {
        let uri = format!("https://registry.mock/v2/acme/web/{kind}/{name}?ns=ghcr.io");
        get(registry, &uri, &anybody)
    };
    let tagged = fetch(&mut registry, "manifests", "1");
    let digest = tagged.headers()["docker-content-digest"].to_str().unwrap();
    let by_digest = fetch(&mut registry, "manifests", digest);
    assert_eq!(by_digest.body(), tagged.body());
    let index: serde_json::Value = serde_json::from_slice(tagged.body()).unwrap();
    assert_eq!(index["manifests"][1]["platform"]["variant"], "v8");
    let part = index["manifests"][0]["digest"].as_str().unwrap();
    let part = fetch(&mut registry, "manifests", part);
    let part: serde_json::Value = serde_json::from_slice(part.body()).unwrap();
    let config = part["config"]["digest"].as_str().unwrap();
    assert_eq!(fetch(&mut registry, "blobs", config).status(), 200);
    assert_eq!(fetch(&mut registry, "manifests", config).status(), 404);
    assert_eq!(fetch(&mut registry, "manifests", "2").status(), 404);
}
