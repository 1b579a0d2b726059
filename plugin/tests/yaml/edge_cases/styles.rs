//! Styles, bytes and values: quotes, comments, line ends, and values that are no plain text.

use super::*;

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
