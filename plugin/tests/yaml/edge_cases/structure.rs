//! The structure of a file: documents, lists, maps, anchors.

use super::*;

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
                Refuse(&["list of 2 items", "`[name=app]`, `[name=side]`", "`[2]`"]),
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
            row("36", "huge index", "c: [x]\n", Refuse(&["list of 1 item"])),
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
