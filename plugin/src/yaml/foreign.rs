//! Files that are no YAML, or none yet.

/// Whether a value is filled in by something else before anybody reads it.
pub(super) fn is_template(value: &str) -> bool {
    ["{{", "${", "$(", "<path:"]
        .iter()
        .any(|mark| value.contains(mark))
}

/// What a file is that cannot be read as YAML, or in which nothing is where YAML would have it, and what to do.
pub fn kind(text: &str) -> Option<&'static str> {
    let lines = || {
        let all = text.lines().map(str::trim);
        all.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']) && *line != "---")
    };
    let count = |fits: fn(&str) -> bool| lines().filter(|line| fits(line)).count();
    let total = lines().count();
    if total == 0 {
        return None;
    }
    if count(is_conflict_mark) > 0 {
        return Some(
            "the file holds a conflict that nobody has resolved (`<<<<<<<`, `>>>>>>>`): Git left both sides in it; \
             choose one and commit the file",
        );
    }
    if count(has_template_tag) > 0 {
        return Some(
            "the file is a template (`{{ … }}` or `{% … %}`): it becomes YAML only when a tool renders it; \
             keep the image in the values that it is rendered with, and name that file",
        );
    }
    if text.starts_with("version https://git-lfs.github.com/") {
        return Some(
            "the file is kept by Git LFS, and only its pointer can be read: take manifests out of LFS",
        );
    }
    if text.trim_start().starts_with('<') {
        return Some("the file is XML or HTML, only YAML and JSON can be changed");
    }
    if count(is_variable) == total {
        return Some(
            "the file is a list of variables (`NAME=value`, as in `.env`), only YAML and JSON can be changed: \
             keep the image in such a file",
        );
    }
    if lines().next().is_some_and(is_instruction) {
        return Some(
            "the file is a Dockerfile, which says what an image is built from: only YAML and JSON can be changed",
        );
    }
    if lines().next().is_some_and(is_program) {
        return Some(
            "the file is a program that makes manifests (Jsonnet, CUE, Nix or the like), only YAML and JSON can be changed: \
             keep the image in a file of values that it reads",
        );
    }
    if count(is_block_head) > 0 {
        return Some(
            "the file is HCL (Terraform and its like), only YAML and JSON can be changed: \
             keep the image in a file that it reads, by `yamldecode` for instance",
        );
    }
    if count(is_section) > 0 && count(is_assignment) > 0 {
        return Some(
            "the file is TOML or INI, only YAML and JSON can be changed: keep the image in such a file",
        );
    }
    if count(is_assignment) * 2 > total {
        return Some(
            "the file is a list of assignments (`name = value`, as in `.tfvars` or `.properties`), only YAML and JSON \
             can be changed: keep the image in such a file",
        );
    }
    None
}

/// The first or the last line of what Git leaves where two sides disagree (git-merge, "How conflicts are presented").
fn is_conflict_mark(line: &str) -> bool {
    ["<<<<<<< ", ">>>>>>> "]
        .iter()
        .any(|mark| line.starts_with(mark))
}

fn has_template_tag(line: &str) -> bool {
    let opens = |open: &str, close: &str| {
        line.find(open)
            .is_some_and(|at| line[at..].contains(close) || line.ends_with(open))
    };
    // `{{` is also a map within a map, of which no YAML file is made that people write.
    opens("{{", "}}") || opens("{%", "%}") || line.starts_with("{{-") || line.starts_with("{{/*")
}

/// `FROM image`, the first instruction of a Dockerfile.
fn is_instruction(line: &str) -> bool {
    ["FROM ", "ARG "]
        .iter()
        .any(|word| line.starts_with(word) && !line.contains(": "))
}

/// `local x = …;`, `import "…"`, `package x`, `let x = …`, `key: inner: "value"`, `x.y = …;`.
fn is_program(line: &str) -> bool {
    let starts = ["local ", "import ", "package ", "let ", "function("];
    let is_statement = starts.iter().any(|word| line.starts_with(word)) && !line.contains(": ");
    let path: Vec<_> = line.split(": ").collect();
    let is_short = path.len() > 2
        && path[..path.len() - 1].iter().all(|key| is_name(key))
        && line.ends_with('"');
    is_statement || is_short || (line.contains(" = ") && line.ends_with([';', '}']))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// `NAME=value`, also behind `export`.
fn is_variable(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split_once('=')
        .is_some_and(|(name, _)| is_name(name) && !name.contains('-'))
}

/// `name = value`.
fn is_assignment(line: &str) -> bool {
    line.split_once('=')
        .is_some_and(|(name, value)| is_name(name.trim()) && !value.starts_with('='))
}

/// `resource "kind" "name" {`.
fn is_block_head(line: &str) -> bool {
    let Some(head) = line.strip_suffix('{') else {
        return false;
    };
    let mut words = head.split_whitespace();
    words.next().is_some_and(is_name)
        && !head.contains(':')
        && (head.trim_end().ends_with('"') || words.next().is_none())
}

/// `[section]`.
fn is_section(line: &str) -> bool {
    let inside = line
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(|name| is_name(name.trim_matches(['[', ']', '"'])))
}
