//! One row per case of the list of YAML edge cases that the policy was built from; `cargo test -- --nocapture` prints them.
//!
//! Cases 49 and 51 to 53 are rules of the policy (`gates/image.rs`); 11, 54 and 55 are what the host does before the policy
//! sees a file or after it proposed one.

use super::edit;
use promote_policy::yaml::DocumentSelector;

const NEW: &str = "repo/app:2.0";

/// What must come of an edit: exactly this text, or a refusal that contains each of these.
enum Expect<'a> {
    Text(&'a str),
    Refuse(&'a [&'a str]),
}

use Expect::{Refuse, Text};

struct Row<'a> {
    case: &'a str,
    what: &'a str,
    path: &'a str,
    value: &'a str,
    before: &'a str,
    expect: Expect<'a>,
}

fn row<'a>(case: &'a str, what: &'a str, before: &'a str, expect: Expect<'a>) -> Row<'a> {
    Row {
        case,
        what,
        path: "image",
        value: NEW,
        before,
        expect,
    }
}

fn at<'a>(path: &'a str, row: Row<'a>) -> Row<'a> {
    Row { path, ..row }
}

fn with<'a>(value: &'a str, row: Row<'a>) -> Row<'a> {
    Row { value, ..row }
}

/// Runs the rows, prints each, and fails at the end with all that did not hold.
fn check(rows: Vec<Row<'_>>) {
    let mut failed = Vec::new();
    for row in &rows {
        let result = edit(row.before, DocumentSelector::default(), row.path, row.value);
        let holds = match (&result, &row.expect) {
            (Ok(text), Text(expected)) => text == expected,
            (Err(why), Refuse(parts)) => parts.iter().all(|part| why.contains(part)),
            _ => false,
        };
        println!(
            "{:<4} {:<4} {}",
            row.case,
            if holds { "pass" } else { "FAIL" },
            row.what
        );
        if !holds {
            let shown: String = format!("{result:?}").chars().take(600).collect();
            failed.push(format!("{} {}: {shown}", row.case, row.what));
        }
    }
    println!("{} rows, {} failed", rows.len(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn a_style_and_bytes() {
    let long = format!("a: \"{}\"\nimage: repo/app:1.0\n", "x".repeat(200_000));
    let long_after = long.replace("1.0", "2.0");
    check(vec![
        row(
            "1",
            "comment behind the value",
            "image: repo/app:1.0   # pinned\n",
            Text("image: repo/app:2.0   # pinned\n"),
        ),
        row(
            "2",
            "comments and blank lines around",
            "# head\n\na: 1 # x\n\n  # odd\nimage: repo/app:1.0\n# tail\n\n",
            Text("# head\n\na: 1 # x\n\n  # odd\nimage: repo/app:2.0\n# tail\n\n"),
        ),
        row(
            "3",
            "double quotes stay",
            "image: \"repo/app:1.0\"\n",
            Text("image: \"repo/app:2.0\"\n"),
        ),
        with(
            "a\"b\\c",
            row(
                "3",
                "escapes in double quotes",
                "image: \"x\"\n",
                Text("image: \"a\\\"b\\\\c\"\n"),
            ),
        ),
        row(
            "4",
            "single quotes stay",
            "image: 'repo/app:1.0'\n",
            Text("image: 'repo/app:2.0'\n"),
        ),
        with(
            "it's",
            row(
                "4",
                "single quotes are doubled",
                "image: 'x'\n",
                Text("image: 'it''s'\n"),
            ),
        ),
        row(
            "5",
            "plain stays plain",
            "image: repo/app:1.0\n",
            Text("image: repo/app:2.0\n"),
        ),
        with(
            "12e4567",
            row(
                "7",
                "a commit that is a float",
                "image: abc\n",
                Text("image: \"12e4567\"\n"),
            ),
        ),
        with(
            "7654321",
            row(
                "7",
                "a commit of digits only",
                "image: abc\n",
                Text("image: \"7654321\"\n"),
            ),
        ),
        row(
            "8",
            "CRLF",
            "a: 1\r\nimage: repo/app:1.0\r\nb: 2\r\n",
            Text("a: 1\r\nimage: repo/app:2.0\r\nb: 2\r\n"),
        ),
        row(
            "9",
            "CRLF and LF mixed",
            "a: 1\r\nimage: repo/app:1.0\nb: 2\r\n",
            Text("a: 1\r\nimage: repo/app:2.0\nb: 2\r\n"),
        ),
        row(
            "10",
            "byte order mark",
            "\u{feff}image: repo/app:1.0\n",
            Text("\u{feff}image: repo/app:2.0\n"),
        ),
        row(
            "11",
            "a NUL, as UTF-16 read for UTF-8 has",
            "image\0: x\n",
            Refuse(&["line 1", "unprintable"]),
        ),
        row(
            "12",
            "no newline at the end",
            "image: repo/app:1.0",
            Text("image: repo/app:2.0"),
        ),
        row(
            "13",
            "trailing blanks and newlines",
            "image: repo/app:1.0  \n\n \n\n",
            Text("image: repo/app:2.0  \n\n \n\n"),
        ),
        at(
            "c[0].image",
            row(
                "14",
                "list at its parent's indent",
                "c:\n- name: a\n  image: repo/app:1.0\n",
                Text("c:\n- name: a\n  image: repo/app:2.0\n"),
            ),
        ),
        at(
            "c[0].image",
            row(
                "14",
                "list indented by four",
                "c:\n    -   image: repo/app:1.0\n        n: a\n",
                Text("c:\n    -   image: repo/app:2.0\n        n: a\n"),
            ),
        ),
        row(
            "15",
            "a line of 200,000 characters",
            &long,
            Text(&long_after),
        ),
        row(
            "16",
            "value on the next line",
            "image:\n    repo/app:1.0 # x\nb: 2\n",
            Text("image:\n    repo/app:2.0 # x\nb: 2\n"),
        ),
        at(
            "c[0].image",
            row(
                "17",
                "flow style",
                "c: [{name: app, image: \"repo/app:1\", n: 1}, {a: b}] # x\n",
                Text("c: [{name: app, image: \"repo/app:2.0\", n: 1}, {a: b}] # x\n"),
            ),
        ),
        at(
            "m.image",
            with(
                "a,b",
                row(
                    "17",
                    "flow style, value with a comma",
                    "m: {image: x}\n",
                    Text("m: {image: \"a,b\"}\n"),
                ),
            ),
        ),
        at(
            "m.image",
            row(
                "17",
                "flow style over lines",
                "m: {\n  image: x,\n  b: 1 }\n",
                Text("m: {\n  image: repo/app:2.0,\n  b: 1 }\n"),
            ),
        ),
        at(
            "m.image",
            row(
                "18",
                "text beyond ASCII before it",
                "m: {a: \"naïve ☕ 🚀\", image: x}\n",
                Text("m: {a: \"naïve ☕ 🚀\", image: repo/app:2.0}\n"),
            ),
        ),
        row(
            "19",
            "tab after the colon",
            "a:\tb\nimage:\t repo/app:1.0\n",
            Text("a:\tb\nimage:\t repo/app:2.0\n"),
        ),
        at(
            "a.image",
            row(
                "19",
                "tab as indentation",
                "a:\n\timage: x\n",
                Refuse(&["line 2", "tab"]),
            ),
        ),
        row(
            "19",
            "tab as indentation at the top",
            "\timage: x\n",
            Refuse(&["line 1", "tab"]),
        ),
    ]);
}

#[test]
fn a6_values_that_are_no_plain_text() {
    let values = [
        "1.20",
        "1e3",
        "0123456",
        "12e4567",
        "0x1F",
        "1_000",
        "yes",
        "on",
        "~",
        "null",
        "2024-01-01",
        "12:30:45",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "&a",
        "*a",
        "!a",
        "|a",
        ">a",
        "%a",
        "@a",
        "`a",
        "- ",
        "? ",
        "-",
        "y",
        "N",
        "True",
        "OFF",
        ".inf",
        "-.INF",
        ".nan",
        "0o17",
        "0b11",
        "+1",
        "-1.5",
        "1.",
        ".5",
        "<<",
        "=",
        "a:",
        "---",
        "... x",
        "#a",
        "\"a",
        "'a",
        "[a",
        "{a",
        "]a",
        "}a",
        ",a",
        "2024-01-01T10:00:00Z",
        "1e+3",
        "a\tb",
        "a\nb",
        "1:20",
    ];
    let texts: Vec<_> = values
        .map(|value| {
            (
                value,
                format!(
                    "image: \"{}\"\n",
                    value
                        .replace('"', "\\\"")
                        .replace('\t', "\\t")
                        .replace('\n', "\\n")
                ),
            )
        })
        .into();
    check(
        texts
            .iter()
            .map(|(value, after)| {
                with(
                    value,
                    row("6", after.trim_end(), "image: abc\n", Text(after)),
                )
            })
            .collect(),
    );
    for plain in [
        "v1.20",
        "1.20.3",
        "repo:1",
        "a-b",
        "sha256:ab",
        "-a",
        "?a",
        "a#b",
        "a:b",
        "1.4.2-rc1",
        "yesterday",
        "0xfg",
        "deadbeef",
        "1e",
        "e3",
    ] {
        let after = format!("image: {plain}\n");
        let kept = edit("image: abc\n", DocumentSelector::default(), "image", plain).unwrap();
        assert_eq!(kept, after);
    }
}

#[test]
fn b_kinds_of_scalars() {
    check(vec![
        row(
            "20",
            "folded block scalar of one line",
            "image: >-\n  repo/app:1.0\nb: 1\n",
            Text("image: >-\n  repo/app:2.0\nb: 1\n"),
        ),
        row(
            "20",
            "literal block scalar of one line, indented by a number",
            "image: |2-\n    repo/app:1.0\n",
            Refuse(&["does not understand"]),
        ),
        row(
            "20",
            "literal block scalar of one line, with a comment behind its head and blank lines after it",
            "image: |- # why\n    repo/app:1.0\n\n\nb: 1",
            Text("image: |- # why\n    repo/app:2.0\n\n\nb: 1"),
        ),
        row(
            "20",
            "block scalar with a line break at its end",
            "image: |\n  repo/app:1.0\n",
            Refuse(&["line 2, column 3", "ends with a line break", "`>-`"]),
        ),
        row(
            "20",
            "block scalar of two lines",
            "image: >-\n  repo/app\n  :1.0\n",
            Refuse(&["block scalar", "several lines"]),
        ),
        with(
            "1.20",
            row(
                "20",
                "in a block scalar everything is text",
                "image: >-\n  \"1.10\"\n",
                Text("image: >-\n  1.20\n"),
            ),
        ),
        row(
            "21",
            "plain over several lines",
            "image: repo\n  app\n",
            Refuse(&["line 1, column 8", "several lines"]),
        ),
        row(
            "21",
            "quoted over several lines",
            "image: \"repo\\\n  /app\"\n",
            Refuse(&["several lines"]),
        ),
        row(
            "22",
            "empty",
            "image:\nb: 1\n",
            Refuse(&["nothing is deployed here yet"]),
        ),
        row(
            "22",
            "empty quotes",
            "image: \"\"\n",
            Refuse(&["nothing is deployed here yet"]),
        ),
        row(
            "22",
            "~",
            "image: ~\n",
            Refuse(&["nothing is deployed here yet"]),
        ),
        row(
            "22",
            "null",
            "image: null # none\n",
            Refuse(&["nothing is deployed here yet"]),
        ),
        row(
            "23",
            "tag of text",
            "image: !!str repo/app:1\n",
            Text("image: !!str repo/app:2.0\n"),
        ),
        row(
            "23",
            "tag of text, verbatim",
            "image: !<tag:yaml.org,2002:str> 'x'\n",
            Text("image: !<tag:yaml.org,2002:str> 'repo/app:2.0'\n"),
        ),
        row(
            "23",
            "tag of something else",
            "image: !Ref x\n",
            Refuse(&["line 1", "tag `!Ref`"]),
        ),
        row(
            "24",
            "unknown tags elsewhere",
            "a: !vault x\nb: !Ref {c: !Sub [d]}\nimage: x\n",
            Text("a: !vault x\nb: !Ref {c: !Sub [d]}\nimage: repo/app:2.0\n"),
        ),
        row(
            "25",
            "a map",
            "image:\n  repository: r\n  tag: t\n",
            Refuse(&["line 2", "is a map", "`repository`, `tag`"]),
        ),
        at(
            "image.tag",
            row(
                "25",
                "a key of that map",
                "image:\n  repository: r\n  tag: t\n",
                Text("image:\n  repository: r\n  tag: repo/app:2.0\n"),
            ),
        ),
        row(
            "25",
            "a list",
            "image: [a, b]\n",
            Refuse(&["is a list of 2 item(s)"]),
        ),
        row(
            "26",
            "template, quoted",
            "image: \"{{ .Values.image }}\"\n",
            Refuse(&["template", "rendered elsewhere"]),
        ),
        row(
            "26",
            "template, bare",
            "image: {{ .Values.image }}\n",
            Refuse(&["template", "rendered elsewhere"]),
        ),
        row(
            "26",
            "variable",
            "image: repo/app:${TAG}\n",
            Refuse(&["template", "${TAG}"]),
        ),
    ]);
}

#[test]
fn c_structure() {
    let deep = format!("image: x\na: {}{}\n", "[".repeat(80), "]".repeat(80));
    let bomb = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        let last = n - 1;
        format!("{text}a{n}: &a{n} [*a{last}, *a{last}, *a{last}, *a{last}]\n")
    }) + "image: x\n";
    let bomb_after = bomb.replace("image: x", "image: repo/app:2.0");
    let huge = format!("image: x\na: {}\n", "y".repeat(4 << 20));
    let merged = "base: &b\n  image: repo/app:1\nweb:\n  <<: *b\n  n: 1\n";
    check(vec![
        row(
            "27",
            "anchor that is used elsewhere",
            "image: &img repo/app:1\nb: *img\nc: [*img]\n",
            Refuse(&["line 2, column 4", "line 3, column 5", "reach them all"]),
        ),
        row(
            "27",
            "anchor that nobody uses",
            "image: &img repo/app:1\n",
            Text("image: &img repo/app:2.0\n"),
        ),
        at(
            "a.image",
            row(
                "27",
                "inside an anchored map that is used",
                "a: &a {image: x}\nb: *a\n",
                Refuse(&["line 2, column 4"]),
            ),
        ),
        row(
            "28",
            "path ends at an alias",
            "a: &img x\nimage: *img\n",
            Refuse(&["alias `*img` at line 2"]),
        ),
        at(
            "b.image",
            row(
                "28",
                "path crosses an alias",
                "a: &m {image: x}\nb: *m\n",
                Refuse(&["alias `*m` at line 2"]),
            ),
        ),
        at(
            "web.image",
            row(
                "29",
                "through a merge key",
                merged,
                Refuse(&["merge key `<<` at line 4", "write `image` out"]),
            ),
        ),
        at(
            "base.image",
            row(
                "29",
                "in a map that is merged elsewhere",
                merged,
                Refuse(&["line 4", "reach them all"]),
            ),
        ),
        at(
            "web.image",
            row(
                "29",
                "beside a merge key",
                "base: &b {n: 1}\nweb:\n  <<: *b\n  image: x\n",
                Text("base: &b {n: 1}\nweb:\n  <<: *b\n  image: repo/app:2.0\n"),
            ),
        ),
        row(
            "30",
            "in one of several documents",
            "a: 1\n---\nimage: x\n---\nb: 1\n",
            Text("a: 1\n---\nimage: repo/app:2.0\n---\nb: 1\n"),
        ),
        row(
            "31",
            "in several documents",
            "kind: A\nmetadata: {name: m}\nimage: x\n---\nkind: B\nimage: y\n",
            Refuse(&[
                "2 documents",
                "`A/m` at line 1",
                "`B/?` at line 5",
                "document = {",
            ]),
        ),
        row(
            "32",
            "markers and empty documents",
            "# c\n---\n---\n# d\n---\nimage: x\n...\n---\n",
            Text("# c\n---\n---\n# d\n---\nimage: repo/app:2.0\n...\n---\n"),
        ),
        row(
            "33",
            "directives",
            "%YAML 1.2\n%TAG !e! tag:e,2000:\n---\nimage: x\na: !e!b c\n",
            Text("%YAML 1.2\n%TAG !e! tag:e,2000:\n---\nimage: repo/app:2.0\na: !e!b c\n"),
        ),
        row(
            "34",
            "a key twice",
            "image: x\nb: 1\nimage: y\n",
            Refuse(&["`image` stands twice", "line 1", "line 3"]),
        ),
        row(
            "34",
            "a key twice, once in quotes",
            "a: 1\nimage: x\n\"a\": 2\n",
            Refuse(&["`a` stands twice"]),
        ),
        at(
            "a.imag",
            row(
                "35",
                "misspelt key",
                "a: {image: x, name: y}\n",
                Refuse(&["`a.imag` does not exist", "has `image`, `name`"]),
            ),
        ),
        at(
            "c[2].image",
            row(
                "35",
                "no such index",
                "c:\n- {name: app}\n- {name: side}\n",
                Refuse(&["list of 2 item(s)", "`[name=app]`, `[name=side]`", "`[2]`"]),
            ),
        ),
        at(
            "c[-1]",
            row(
                "36",
                "negative index",
                "c: [x]\n",
                Refuse(&["index from 0"]),
            ),
        ),
        at(
            "c[99999999999999999999999]",
            row(
                "36",
                "index beyond numbers",
                "c: [x]\n",
                Refuse(&["index from 0"]),
            ),
        ),
        at(
            "c[1000]",
            row(
                "36",
                "huge index",
                "c: [x]\n",
                Refuse(&["list of 1 item(s)"]),
            ),
        ),
        at(
            "a[\"app.example.com/image\"]",
            row(
                "37",
                "key with dots and slashes",
                "a:\n  app.example.com/image: x\n",
                Text("a:\n  app.example.com/image: repo/app:2.0\n"),
            ),
        ),
        at(
            "a.b",
            row(
                "37",
                "and in the message",
                "a:\n  c.d/e: x\n",
                Refuse(&["[\"c.d/e\"]"]),
            ),
        ),
        at(
            "c[*].image",
            row(
                "38",
                "wildcard",
                "c: [{image: x}]\n",
                Refuse(&["wildcards"]),
            ),
        ),
        at(
            "c[name=a].image",
            row(
                "38",
                "selector that matches twice",
                "c:\n- {name: a, image: x}\n- {name: a, image: y}\n",
                Refuse(&["ambiguous", "line 2", "line 3"]),
            ),
        ),
        at(
            "10.image",
            row(
                "39",
                "order and numeric keys",
                "2: y\n10: {image: x}\n1: z\n",
                Text("2: y\n10: {image: repo/app:2.0}\n1: z\n"),
            ),
        ),
        at(
            "containers[1].image",
            row(
                "40",
                "the same image in other lists",
                "initContainers:\n- {name: a, image: repo/app:1}\ncontainers:\n- {name: a, image: repo/app:1}\n- {name: a, image: repo/app:1}\n",
                Text(
                    "initContainers:\n- {name: a, image: repo/app:1}\ncontainers:\n- {name: a, image: repo/app:1}\n- {name: a, image: repo/app:2.0}\n",
                ),
            ),
        ),
        at(
            "containers[name=b].image",
            row(
                "40",
                "by the name of the container",
                "containers:\n- {name: a, image: x}\n- {name: b, image: x}\n",
                Text("containers:\n- {name: a, image: x}\n- {name: b, image: repo/app:2.0}\n"),
            ),
        ),
        row(
            "41",
            "nested too deep",
            &deep,
            Refuse(&["line 2", "nested deeper than 64"]),
        ),
        row("41", "aliases are never expanded", &bomb, Text(&bomb_after)),
        row("41", "a huge file", &huge, Refuse(&["at most 4194304"])),
        row("42", "empty file", "", Refuse(&["empty"])),
        row("42", "comments only", "# a\n# b\n", Refuse(&["empty"])),
        row("42", "not YAML", "a: b: c: [\n", Refuse(&["line 1"])),
        row("42", "a bare scalar", "hello\n", Refuse(&["is a scalar"])),
    ]);
}

#[test]
fn d_values_that_a_rewrite_would_corrupt() {
    let others = [
        ("43", "mode: 0755"),
        ("44", "id: 12345678901234567890"),
        ("45", "version: 1.10"),
        ("46", "built: 2024-01-01"),
        ("47", "flag: on"),
        ("48", "label: \"na\\u00efve \\u2615\""),
        ("48a", "x: .inf\ny: .nan"),
        ("48b", "x: !!binary aGVsbG8="),
        ("48c", "n: 1_000"),
        ("48d", "mode: 0o755"),
    ];
    let texts = others.map(|(case, other)| {
        (
            case,
            other,
            format!("{other}\nimage: x\n"),
            format!("{other}\nimage: repo/app:2.0\n"),
        )
    });
    check(
        texts
            .iter()
            .map(|(case, other, before, after)| row(case, other, before, Text(after)))
            .collect(),
    );
}

#[test]
fn selects_documents_by_kind_and_name() {
    let text =
        "kind: A\nmetadata: {name: m}\nimage: x\n---\nkind: A\nmetadata: {name: n}\nimage: y\n";
    let pick = |kind: Option<&str>, name: Option<&str>| {
        let document = DocumentSelector {
            kind: kind.map(str::to_owned),
            name: name.map(str::to_owned),
            ..DocumentSelector::default()
        };
        edit(text, document, "image", "z")
    };
    assert_eq!(
        pick(None, Some("n")).unwrap(),
        text.replace("image: y", "image: z")
    );
    assert_eq!(
        pick(Some("A"), Some("m")).unwrap(),
        text.replace("image: x", "image: z")
    );
    assert!(pick(Some("A"), None).unwrap_err().contains("2 documents"));
    assert!(
        pick(Some("B"), None)
            .unwrap_err()
            .contains("no document is `B/*`; the file has `A/m` at line 1")
    );
}
