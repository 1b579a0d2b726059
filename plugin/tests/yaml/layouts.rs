//! What Kubernetes reads and other readers do not, what is shared by anchors, documents that are hard to tell apart, and
//! documents within documents.

use super::{edit, edit_at};
use promote_policy::yaml::{DocumentSelector, ScalarAddress};

/// An edit of `before` at `path` gives `after`, or a refusal that holds these words.
fn check(path: &str, before: &str, expected: Result<&str, &str>) {
    check_shared(false, path, before, expected);
}

fn check_shared(shared: bool, path: &str, before: &str, expected: Result<&str, &str>) {
    let address = ScalarAddress {
        document: DocumentSelector::default(),
        path: path.parse().unwrap(),
        shared,
    };
    let result = edit_at(before, &address, "1.20");
    match (&result, expected) {
        (Ok(after), Ok(expected)) => assert_eq!(after, expected, "{path}"),
        (Err(why), Err(words)) => assert!(why.contains(words), "{path}: {why}"),
        _ => panic!("{path} in {before:?}: {result:?}"),
    }
}

#[test]
fn reads_what_kubernetes_reads() {
    let cases = [
        "command: [\n  \"sh\"\n]\ntag: v1\n",
        "c:\n- args: [\n    \"--port\", '8080'\n  ]\n  tag: v1\ntag: v1\n",
        "json: {\n  \"a\": {\n    \"b\": [\"c\"]\n  }\n}\ntag: v1\n",
        "a: \"one\ntwo\n\n  three\\\nfour\"\ntag: v1\n",
        "a: 'one\ntwo'\ntag: v1\n",
        "m: {\n\ta: x,\n\tb: y\n}\ntag: v1\n",
        "m: { # note\n  \"a\": 1, # note: [\n}\nq: \"[\"\ntag: v1\n",
        "\u{feff}é: [\n  \"☕\"\n]\r\ntag: v1\r\n",
    ];
    for before in cases {
        check("tag", before, Ok(&swap_last(before)));
    }
    check(
        "m.tag",
        "m: {\n\ta: \"x\",\n\ttag: v1\n}\n",
        Ok("m: {\n\ta: \"x\",\n\ttag: \"1.20\"\n}\n"),
    );
    check(
        "tags[0]",
        "tags: [\n  v1\n]\n",
        Ok("tags: [\n  \"1.20\"\n]\n"),
    );
}

fn swap_last(before: &str) -> String {
    let at = before.rfind("v1").unwrap();
    format!("{}\"1.20\"{}", &before[..at], &before[at + 2..])
}

#[test]
fn writes_nothing_that_kubernetes_cannot_read() {
    for lead in [" \t", "      \t# note"] {
        let before = format!("tag: v1\n{lead}\nx: 1\n");
        check("tag", &before, Err("as Kubernetes' tools read it"));
    }
    check(
        "m.tag",
        "m: {tag: v1, \"a\":\"b\"}\n",
        Ok("m: {tag: \"1.20\", \"a\":\"b\"}\n"),
    );
    let disagree = "tag: v1\nx: a\u{2028}b: c\ny: \"p\u{85}q\"\n";
    check("tag", disagree, Err("line"));
    check("tag", "a:\t- b\ntag: v1\n", Err("line 1"));
}

#[test]
fn what_makes_a_reader_give_up_is_refused_before() {
    for text in [
        "tag: v1\nx: {!,\n",
        "tag: v1\nx: [!t,b]\n",
        "tag: v1\nx: {a: !<y>,b: c}\n",
    ] {
        check("tag", text, Err("line 2"));
    }
    for text in [
        "tag: v1\nx: [\"!a,b\", c!, d]\n",
        "tag: v1\nx: Stop !now, please\n",
        "tag: v1\nx: |\n  last !a,",
        "tag: v1\nx: \"last",
    ] {
        let _ = edit(text, DocumentSelector::default(), "tag", "v2");
    }
    let open = "tag: v1\nx: |-\n  last";
    check("tag", open, Ok(&open.replace("v1", "\"1.20\"")));
}

#[test]
fn tags_that_go_takes_for_numbers_are_quoted() {
    for tag in ["0_x1f", "0_b1", "0_o17", "1E_-5", "1_2e_3"] {
        let after = edit("tag: v1\n", DocumentSelector::default(), "tag", tag).unwrap();
        assert_eq!(after, format!("tag: \"{tag}\"\n"));
    }
    for tag in [":a", "?a"] {
        let after = edit("m: {tag: v1}\n", DocumentSelector::default(), "m.tag", tag).unwrap();
        assert_eq!(after, format!("m: {{tag: \"{tag}\"}}\n"));
    }
}

#[test]
fn names_that_come_by_an_alias_or_a_merge_count() {
    let by_alias = "n: &n app\nc:\n- {name: *n, tag: v1}\n- {name: app, tag: v1}\n";
    check(
        "c[name=app].tag",
        by_alias,
        Err("is ambiguous: `[name=app]` matches at line 3"),
    );
    let by_merge = "b: &b {name: app}\nc:\n- {<<: *b, tag: v1}\n- {name: app, tag: v1}\n";
    check("c[name=app].tag", by_merge, Err("matches at line 3"));
    let key = "k: &k tag\nm:\n  *k : v0\n  tag: v1\n";
    check("m.tag", key, Err("`tag` matches at line 3"));
    let alone = "n: &n app\nc:\n- {name: *n, tag: v1}\n- {name: side, tag: v1}\n";
    check(
        "c[name=app].tag",
        alone,
        Ok("n: &n app\nc:\n- {name: *n, tag: \"1.20\"}\n- {name: side, tag: v1}\n"),
    );
}

#[test]
fn what_is_overridden_wherever_it_is_merged_is_not_shared() {
    let overridden =
        "app: &a {tag: v1, n: 1}\nside: {<<: *a, tag: v0}\nlast: {<<: [*a], tag: v9}\n";
    check(
        "app.tag",
        overridden,
        Ok(&overridden.replace("tag: v1", "tag: \"1.20\"")),
    );
    check("app.n", overridden, Err("a change would reach them all"));
    let also_used = "app: &a {tag: v1}\nside: {<<: *a, tag: v0}\nother: *a\n";
    check(
        "app.tag",
        also_used,
        Err("used at line 3, column 8: a change"),
    );
    let deeper = "app: &a {image: {tag: v1}}\nside: {<<: *a, image: {tag: v0}}\n";
    check(
        "app.image.tag",
        deeper,
        Ok(&deeper.replace("tag: v1", "tag: \"1.20\"")),
    );
}

#[test]
fn sharing_can_be_meant() {
    let anchor = "g: {tag: &t v1}\nw:\n  tag: *t\n";
    let after = anchor.replace("v1", "\"1.20\"");
    check(
        "g.tag",
        anchor,
        Err("`shared = true` says that this is meant"),
    );
    check_shared(true, "g.tag", anchor, Ok(&after));
    check("w.tag", anchor, Err("say `shared = true`"));
    check_shared(true, "w.tag", anchor, Ok(&after));
    let merge = "b: &b\n  tag: v1\nw:\n  <<: *b\n";
    check("w.tag", merge, Err("`<<` at line 4"));
    check_shared(true, "w.tag", merge, Ok(&merge.replace("v1", "\"1.20\"")));
}

#[test]
fn documents_can_be_told_apart() {
    let pick = |document: DocumentSelector, text: &str| edit(text, document, "tag", "v2");
    let named = |name: &str, namespace: &str| DocumentSelector {
        kind: Some("Job".to_owned()),
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        index: None,
    };
    let number = |index| DocumentSelector {
        index: Some(index),
        ..DocumentSelector::default()
    };
    let text = "kind: Job\nmetadata: {name: a, namespace: x}\ntag: v1\n---\nkind: Job\nmetadata: {name: a, namespace: y}\ntag: v0\n";
    assert_eq!(
        pick(named("a", "y"), text).unwrap(),
        text.replace("v0", "v2")
    );
    let why = pick(named("a", "z"), text).unwrap_err();
    assert!(
        why.contains("no document is `Job/a` in `z`; the file has `Job/a` in `x` at line 1"),
        "{why}"
    );
    let bare = "# head\n---\n---\ntag: v1\n---\ntag: v0\n";
    assert_eq!(pick(number(0), bare).unwrap(), bare.replace("v1", "v2"));
    assert_eq!(pick(number(1), bare).unwrap(), bare.replace("v0", "v2"));
    assert!(
        pick(number(2), bare)
            .unwrap_err()
            .contains("number 2, counted from 0")
    );
    let why = pick(DocumentSelector::default(), bare).unwrap_err();
    assert!(why.contains("or with `index`"), "{why}");
    let generated = "kind: Job\nmetadata: {generateName: a-}\ntag: v1\n---\nkind: Job\nmetadata: {generateName: b-}\ntag: v0\n";
    let why = pick(DocumentSelector::default(), generated).unwrap_err();
    assert!(
        why.contains("`Job/a-…` at line 1, `Job/b-…` at line 5"),
        "{why}"
    );
}

#[test]
fn items_of_a_list_count_as_documents() {
    let text = "kind: List\nitems:\n- kind: Job\n  metadata: {name: a}\n  tag: v1\n- kind: Job\n  metadata: {name: b}\n  tag: v0\n";
    let item = DocumentSelector {
        name: Some("b".to_owned()),
        ..DocumentSelector::default()
    };
    let after = text.replace("v0", "v2");
    assert_eq!(edit(text, item, "tag", "v2").unwrap(), after);
    let path = "items[metadata.name=b].tag";
    assert_eq!(
        edit(text, DocumentSelector::default(), path, "v2").unwrap(),
        after
    );
    let dotted = "items:\n- {a.b: x, tag: v1}\n- {a.b: y, tag: v0}\n";
    let path = "items[\"a.b\"=y].tag";
    assert_eq!(
        edit(dotted, DocumentSelector::default(), path, "v2").unwrap(),
        dotted.replace("v0", "v2")
    );
}

#[test]
fn a_block_text_can_be_a_document_of_its_own() {
    let app = "values: |\n  # note\n  image:\n    tag: v1 # here\n\n  n: 1\nother: |\n  image: {tag: v1}\n";
    check(
        "values.image.tag",
        app,
        Ok(&app.replace("tag: v1 #", "tag: \"1.20\" #")),
    );
    check(
        "other.image.tag",
        app,
        Ok(&app.replace("{tag: v1}", "{tag: \"1.20\"}")),
    );
    check(
        "values.image.tog",
        app,
        Err("`image` at line 3 has `tag`, but no `tog`"),
    );
    let crlf = "a:\r\n    values: |-\r\n        image:\r\n          tag: v1\r\n    b: 1\r\n";
    check(
        "a.values.image.tag",
        crlf,
        Ok(&crlf.replace("v1", "\"1.20\"")),
    );
    let twice = "outer: |\n  inner: |\n    tag: v1\n";
    check(
        "outer.inner.tag",
        twice,
        Ok(&twice.replace("v1", "\"1.20\"")),
    );
    check(
        "v.tag",
        "v: >\n  tag: v1\n\n  a: b\n",
        Err("the folded text (`>`) at line 2"),
    );
    check(
        "v.tag",
        "v: \"tag: v1\\n\"\n",
        Err("the quoted text at line 1"),
    );
    check(
        "v.tag",
        "v: tag\n",
        Err("is a scalar without keys, but no `tag`"),
    );
}

#[test]
fn what_is_no_yaml_is_called_what_it_is() {
    let cases = [
        (
            "kind: A\n{{- if .Values.on }}\ntag: v1\n{{- end }}\n",
            "is a template",
        ),
        (
            "{{- if .Values.on }}\ntag: v1\n{{- end }}\n",
            "is a template",
        ),
        (
            "metadata:\n  labels:\n    {{- include \"x\" . | nindent 4 }}\ntag: v1\n",
            "is a template",
        ),
        ("{% if on %}\ntag: v1\n{% endif %}\n", "is a template"),
        ("# c\nTAG=1.2\nexport NAME=web\n", "as in `.env`"),
        ("locals {\n  tag = \"1.2\"\n}\n", "is HCL"),
        ("resource \"a\" \"b\" {\n  tag = \"1.2\"\n}\n", "is HCL"),
        ("image_tag = \"1.2\"\nreplicas = 3\n", "as in `.tfvars`"),
        ("[image]\ntag = \"1.2\"\n", "is TOML or INI"),
        ("<project>\n  <tag>1.2</tag>\n</project>\n", "is XML"),
    ];
    for (text, words) in cases {
        check("tag", text, Err(words));
    }
    check("tog", "tag: \"a=b\"\nx: 1\n", Err("`tog` does not exist"));
}

#[test]
fn a_document_that_sops_signs_is_left_alone() {
    let signed = "tag: v1\nsecret: ENC[AES256_GCM,data:x,type:str]\nsops:\n  mac: ENC[x]\n  version: 3.9.0\n";
    check("tag", signed, Err("nobody could decrypt it"));
    check("secret", signed, Err("is encrypted by SOPS"));
    let partly = format!("{signed}  mac_only_encrypted: true\n");
    check("tag", &partly, Ok(&partly.replace("v1", "\"1.20\"")));
}

#[test]
fn messages_about_many_places_end() {
    let items = "- {name: app, tag: v1}\n".repeat(5_000);
    let long = [
        ("c[name=app].tag", format!("c:\n{items}")),
        (
            "a.tag",
            format!("a: &a {{tag: v1}}\nc:\n{}", "- *a\n".repeat(5_000)),
        ),
        ("tag", "tag: v1\n---\n".repeat(5_000)),
        ("b", (0..5_000).map(|n| format!("k{n}: x\n")).collect()),
    ];
    for (path, text) in long {
        let why = edit(&text, DocumentSelector::default(), path, "v2").unwrap_err();
        assert!(why.len() < 1_500, "{path}: {} bytes", why.len());
    }
}
