//! Kinds of scalars, and values that a rewrite would corrupt.

use super::*;

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
            Refuse(&["is a list of 2 items"]),
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
