//! Changes that are values, and changes that are more; values that are read as evidence.

#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;

fn check(old: &str, new: &str, keys: &[&str]) -> bool {
    only_values_change(old, new, keys, ChangeScope::Values).is_ok()
}

#[test]
fn only_the_value_of_an_image_key_may_change() {
    let cases = [
        ("image: a/b:1\n", "image: a/b:2\n", true),
        (
            "  - image: a/b:1 # pinned\r\n",
            "  - image: a/b@sha256:0f # pinned\r\n",
            true,
        ),
        ("image: a/b:1", "image: \"a/b:2\"", true),
        (
            "{name: app, image: 'a/b:1'}",
            "{name: app, image: 'a/b:2'}",
            true,
        ),
        (
            "{\"image\": \"a/b:1\", \"x\": 1}",
            "{\"image\": \"a/b:2\", \"x\": 1}",
            true,
        ),
        ("newTag: 1.0\n", "newTag: \"1.20\"\n", true),
        ("# é\nimage: a:1\n", "# é\nimage: a:2\n", true),
        ("{\"image\":\"a:1\"}", "{\"image\":\"a:2\"}", true),
        ("{\"image\":\"a\\/b:1\"}", "{\"image\":\"a/b:2\"}", true),
        ("{image: a:1, tag: 1}\n", "{image: a:2, tag: 2}\n", true),
        (
            "{n: \"a #1\", image: a:1}",
            "{n: \"a #1\", image: a:2}",
            true,
        ),
        ("a.example/image: b:1\n", "a.example/image: b:2\n", true),
        ("image:\n  a/b:1 # x\n", "image:\n  a/b:2 # x\n", true),
        ("image: >-\n  a/b:1\n", "image: >-\n  a/b:2\n", true),
        ("- image:\n    a/b:1\n", "- image:\n    a/b:2\n", true),
        ("? image\n: a/b:1\n", "? image\n: a/b:2\n", true),
        ("image : a:1\n", "image : a:2\n", true),
        ("tag: &t 1\n", "tag: &t 2\n", true),
        ("tag: !!str 1\n", "tag: !!str 2\n", true),
        ("- a/b:1\n", "- a/b:2\n", true),
        ("- \"x=a/b:1\"\n", "- \"x=a/b:2@sha256:0f\"\n", true),
        ("[--image=a/b:1, -v]\n", "[--image=a/b:2, -v]\n", true),
        (
            "- name: image.tag\n  value: 1\n",
            "- name: image.tag\n  value: 2\n",
            true,
        ),
        (
            "- value: 1\n  name: image.tag\n",
            "- value: 2\n  name: image.tag\n",
            true,
        ),
        (
            "- {name: image.tag, value: 1}\n",
            "- {name: image.tag, value: 2}\n",
            true,
        ),
        ("url: oci://a/b:1\n", "url: oci://a/b:2\n", false),
        ("replicas: 1\n", "replicas: 9\n", false),
        ("image: a/b:1\n", "image: a/b:2\nevil: true\n", false),
        ("image: a/b:1 # pinned\n", "image: a/b:2 # free\n", false),
        (
            "image: nginx:1\n",
            "image: docker.io/library/nginx:2\n",
            true,
        ),
        ("image: docker.io/a/b:1\n", "image: a/b:2\n", true),
        ("image: docker.io/a/b:1\n", "image: c/b:2\n", false),
        ("image: a/proxy:9\n", "image: a/web:2\n", false),
        ("image: a/web:1\n", "image: evil.example/a/web:2\n", false),
        ("image: h:5000/web:1\n", "image: h:5000/web:2\n", true),
        ("digest: sha256:0a\n", "digest: sha256:0b\n", true),
        ("tag: 1@sha256:0a\n", "tag: 2@sha256:0b\n", true),
        ("repository: a/web\n", "repository: a/api\n", false),
        ("newName: a/web\n", "newName: a/api\n", false),
        ("image: a:1 extra\n", "image: a:2 extra\n", false),
        ("image: a:1\n", "imagX: a:1\n", false),
        ("myimage: a:1\n", "myimage: a:2\n", false),
        ("my image: a:1\n", "my image: a:2\n", false),
        ("a: \"image: a:1\"\n", "a: \"image: a:2\"\n", false),
        ("# image: a:1\n", "# image: a:2\n", false),
        ("x: 1 # image: a:1\n", "x: 1 # image: a:2\n", false),
        ("image: a:1\n", "image: a:2 \n", false),
        ("image: a:1\n", "image: a:2:\n", false),
        ("image: a:1\n", "image: \"a:2\n", false),
        ("image: a:1\n", "image: *other\n", false),
        ("image: a:1\n", "image: {a: 1}\n", false),
        ("image: a:1\n", "image: -\n", false),
        ("image: a:1\n", "image:\n", false),
        ("image: a:1\n", "image: a:2\r\n", false),
        ("image: a:1\n", "image: a:1", false),
        ("image: a b\n", "image: a c\n", false),
        ("image: \"a b\"\n", "image: \"a c\"\n", false),
        ("tag: &t 1\n", "tag: &u 1\n", false),
        ("tag: !!str 1\n", "tag: !!int 1\n", false),
        (
            "- name: image.tag\n  forceString: true\n  value: 1\n",
            "- name: image.tag\n  forceString: true\n  value: 2\n",
            true,
        ),
        (
            "- forceString: true\n  value: 1\n  name: image.tag\n",
            "- forceString: true\n  value: 2\n  name: image.tag\n",
            true,
        ),
        (
            "- name: image.tag\n  # by hand\n\n  more:\n    name: x\n  value: 1\n",
            "- name: image.tag\n  # by hand\n\n  more:\n    name: x\n  value: 2\n",
            true,
        ),
        (
            "- name: replicas\n  more:\n  - name: image.tag\n  value: 1\n",
            "- name: replicas\n  more:\n  - name: image.tag\n  value: 2\n",
            false,
        ),
        (
            "- name: replicas\n  value: 1\n- name: image.tag\n",
            "- name: replicas\n  value: 2\n- name: image.tag\n",
            false,
        ),
        (
            "- name: image.tag\n  name: replicas\n  value: 1\n",
            "- name: image.tag\n  name: replicas\n  value: 2\n",
            false,
        ),
        (
            "name: image.tag\nvalue: 1\n",
            "name: image.tag\nvalue: 2\n",
            false,
        ),
        ("- a/b:1\n", "- a/c:1\n", false),
        ("- a/b:1\n", "- --run=c/a:1\n", false),
        ("- http://a/b:1\n", "- http://a/b:2\n", false),
        ("- x: 1\n", "- x: 2\n", false),
        (
            "- name: replicas\n  value: 1\n",
            "- name: replicas\n  value: 2\n",
            false,
        ),
        (
            "- name: image.tag\n- value: 1\n",
            "- name: image.tag\n- value: 2\n",
            false,
        ),
        ("value: 1\n", "value: 2\n", false),
        (
            "repository: https://a/b\n",
            "repository: https://a/c\n",
            false,
        ),
        ("text:\n  a/b:1\n", "text:\n  a/b:2\n", false),
        ("image:\n  a b\n", "image:\n  a c\n", false),
    ];
    for (old, new, expected) in cases {
        assert_eq!(check(old, new, &USUAL_KEYS), expected, "{old:?} -> {new:?}");
    }
}

#[test]
fn a_grant_can_name_the_keys() {
    let keys = ["image", "example.com/version", "value"];
    for (old, new, expected) in [
        ("image: a:1\n", "image: a:2\n", true),
        (
            "example.com/version: \"1\"\n",
            "example.com/version: \"2\"\n",
            true,
        ),
        ("value: 1\n", "value: 2\n", true),
        ("tag: 1\n", "tag: 2\n", false),
        ("version: 1\n", "version: 2\n", false),
    ] {
        assert_eq!(check(old, new, &keys), expected, "{old:?} -> {new:?}");
    }
}

#[test]
fn the_message_names_the_line_and_the_key() {
    let keys = ["image", "tag"];
    let answer = only_values_change("a: 1\nb: 2\n", "a: 1\nb: 3\n", &keys, ChangeScope::Values);
    let words = "line 2 changes in more than the value of `image`, `tag`: `b` is not among them; a grant whose `keys` name it would allow it";
    assert_eq!(answer, Err(OtherChange::Value(words.to_owned())));
    let answer = only_values_change("a: 1\nb: 2\n", "a: 1\nb: x y\n", &keys, ChangeScope::Values);
    let words = "line 2 changes in more than the value of `image`, `tag`";
    assert_eq!(answer, Err(OtherChange::Text(words.to_owned())));
}

#[test]
fn another_image_needs_a_wider_scope() {
    for (old, new) in [
        ("image: a/proxy:9\n", "image: a/web:2\n"),
        ("repository: a/web\n", "repository: a/api\n"),
        ("a.example/newName: a/web\n", "a.example/newName: a/api\n"),
    ] {
        let change = |scope| only_values_change(old, new, &USUAL_KEYS, scope);
        assert_eq!(change(ChangeScope::Images), Ok(()));
        let why = change(ChangeScope::Values).unwrap_err().to_string();
        assert!(why.contains("changes = \"images\" would allow it"), "{why}");
    }
}

#[test]
fn values_are_read_whole_and_outside_comments() {
    let text = "\
# image: a/commented:1
- image: \"a/web:1.4.2@sha256:0f\"  # image: a/late:2
  image: a/web:1 extra
images:
- {name: web, newTag: '1.4.2', digest: sha256:0f}
myimage: a/web:3
image: &anchor a/web:4
image:
  a/web:5
list:
- web=a/web:6
- plain
- name: image.tag
  value: 1.4.7
note: \"image: a/web:8\"
";
    let found: Vec<_> = manifest_values(text, &USUAL_KEYS)
        .into_iter()
        .map(|found| (found.line, found.value))
        .collect();
    let expected = [
        (2, "a/web:1.4.2@sha256:0f"),
        (5, "1.4.2"),
        (5, "sha256:0f"),
        (7, "a/web:4"),
        (9, "a/web:5"),
        (11, "a/web:6"),
        (14, "1.4.7"),
    ];
    assert_eq!(
        found,
        expected.map(|(line, value)| (line, value.to_owned()))
    );
}
