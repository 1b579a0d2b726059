//! Templates: text with `{path}` in it, where the path names something in Port's catalog.
//!
//! A path is names and indexes, `{service.relations.prod_runtime}` or `{tags[0]}`. On an entity, a name that is none of its
//! own fields is looked for among its properties and then its relations, so `{production.gitPath}` is short for
//! `{production.properties.gitPath}`. Braces are doubled to stand for themselves.
//!
//! Values come from the catalog and are hostile: who uses the result checks it. A value that is missing, empty or not a
//! single text, number or boolean is an error, never an empty string.

use serde_json::Value;

/// Fills a template in.
///
/// # Errors
/// Says which placeholder has no usable value and what there is instead.
pub fn render(template: &str, context: &Value) -> Result<String, String> {
    render_with(template, context, str::to_owned)
}

/// Fills a template in with what `show` makes of each value; the template's own text is the operator's and stays.
///
/// # Errors
/// As [`render`].
pub fn render_with(
    template: &str,
    context: &Value,
    show: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
        } else if brace == "{" {
            let (path, after) = rest
                .split_once('}')
                .ok_or_else(|| format!("a `{{` is not closed in `{template}`"))?;
            out.push_str(&show(&lookup(path.trim(), context)?));
            rest = after;
        } else {
            return Err(format!("a `}}` stands alone in `{template}`"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Fills a template in that may stand for several values: one that is a single placeholder, of a list of texts, is each of
/// them.
///
/// # Errors
/// As [`render`].
pub fn render_all(template: &str, context: &Value) -> Result<Vec<String>, String> {
    let inside = template
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    if let Some(path) = inside.filter(|path| !path.contains(['{', '}']))
        && let Ok(Value::Array(items)) = find(path.trim(), context)
    {
        let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
        if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
            return Ok(texts.into_iter().map(str::to_owned).collect());
        }
    }
    render(template, context).map(|text| vec![text])
}

fn lookup(path: &str, context: &Value) -> Result<String, String> {
    let value = find(path, context)?;
    match value {
        Value::String(text) if text.is_empty() => Err(format!("`{{{path}}}` is empty")),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Err(format!("`{{{path}}}` is not set")),
        Value::Array(_) => Err(format!(
            "`{{{path}}}` is a list: name one item, `{{{path}[0]}}`"
        )),
        Value::Object(_) => Err(format!(
            "`{{{path}}}` is an object: name one of {}",
            names(value)
        )),
    }
}

fn find<'v>(path: &str, context: &'v Value) -> Result<&'v Value, String> {
    let steps = steps(path).ok_or_else(|| {
        format!("`{{{path}}}` is not a path like `{{service.title}}` or `{{tags[0]}}`")
    })?;
    let mut value = context;
    let mut entity = None;
    let mut done = String::new();
    for step in &steps {
        entity = value.get("identifier").and_then(Value::as_str).or(entity);
        value = child(value, step).ok_or_else(|| missing(path, step, &done, entity, value))?;
        match step {
            Step::Name(name) if done.is_empty() => done.push_str(name),
            Step::Name(name) => done = format!("{done}.{name}"),
            Step::Index(index) => done = format!("{done}[{index}]"),
        }
    }
    Ok(value)
}

enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, mut indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_alphanumeric() || "_-$".contains(c))
        {
            return None;
        }
        steps.push(Step::Name(name));
        while !indexes.is_empty() {
            let (index, after) = indexes.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            indexes = after;
        }
    }
    Some(steps)
}

fn child<'a>(value: &'a Value, step: &Step<'_>) -> Option<&'a Value> {
    match step {
        Step::Name(name) => value
            .get(name)
            .or_else(|| value.get("properties")?.get(name))
            .or_else(|| value.get("relations")?.get(name)),
        Step::Index(index) => value.get(index),
    }
}

fn missing(path: &str, step: &Step<'_>, done: &str, entity: Option<&str>, value: &Value) -> String {
    let place = match entity {
        Some(identifier) if value.get("identifier").is_some() => format!("entity `{identifier}`"),
        Some(identifier) if !done.is_empty() => format!("`{done}` of entity `{identifier}`"),
        _ if done.is_empty() => "the run".to_owned(),
        _ => format!("`{done}`"),
    };
    match (step, value) {
        (Step::Index(index), Value::Array(items)) => {
            format!(
                "`{{{path}}}`: {place} has {} item(s), none at [{index}]",
                items.len()
            )
        }
        (Step::Name(name), Value::Object(_)) => {
            format!(
                "`{{{path}}}`: {place} has no `{name}`, it has {}",
                names(value)
            )
        }
        _ => format!("`{{{path}}}`: {place} is not set"),
    }
}

/// The names that could have been meant, at most twenty.
fn names(value: &Value) -> String {
    let object = value.as_object().into_iter().flatten();
    let mut names: Vec<_> = object
        .take(20)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if names.is_empty() {
        names.push("nothing".to_owned());
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(template: &str, expected: Result<&str, &str>) {
        let context = json!({
            "service": {
                "identifier": "web", "title": "Web",
                "properties": { "gitPath": "apps/web", "title": "hidden", "empty": "", "none": null, "n": 3 },
                "relations": { "prod_runtime": "web-prod", "many": ["a", "b"] },
            },
            "tags": ["1.4.2"],
        });
        match (render(template, &context), expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(error), Err(part)) => assert!(error.contains(part), "{template}: {error}"),
            (other, _) => panic!("{template}: {other:?}"),
        }
    }

    #[test]
    fn a_list_stands_for_several_values() {
        let context = json!({
            "service": { "identifier": "web", "relations": { "many": ["a", "b"], "one": "a", "none": [] } },
        });
        let all = |template| render_all(template, &context);
        assert_eq!(all("{service.many}").unwrap(), ["a", "b"]);
        assert_eq!(all("{service.one}").unwrap(), ["a"]);
        assert_eq!(all("x-{service.one}").unwrap(), ["x-a"]);
        assert!(all("x-{service.many}").unwrap_err().contains("is a list"));
        assert!(all("{service.none}").unwrap_err().contains("is a list"));
        assert!(all("{service.oops}").unwrap_err().contains("has no `oops`"));
    }

    #[test]
    fn fills_placeholders_and_names_what_is_missing() {
        check(
            "{service.gitPath}/deployment.yaml",
            Ok("apps/web/deployment.yaml"),
        );
        check("{service.properties.gitPath}", Ok("apps/web"));
        check("{service.title}-{service.n}", Ok("Web-3"));
        check("{service.relations.prod_runtime}", Ok("web-prod"));
        check(
            "{service.prod_runtime} {tags[0]} {service.many[1]}",
            Ok("web-prod 1.4.2 b"),
        );
        check("{{{tags[0]}}}", Ok("{1.4.2}"));
        check(
            "{service.relations.test_runtime}",
            Err("has no `test_runtime`, it has `many`, `prod_runtime`"),
        );
        check("{service.oops}", Err("entity `web` has no `oops`"));
        check(
            "{oops}",
            Err("the run has no `oops`, it has `service`, `tags`"),
        );
        check("{tags[4]}", Err("`tags` has 1 item(s), none at [4]"));
        check("{tags}", Err("is a list: name one item"));
        check(
            "{service.properties}",
            Err("is an object: name one of `empty`"),
        );
        check("{service.empty}", Err("is empty"));
        check("{service.none}", Err("is not set"));
        check(
            "{service.none.deeper}",
            Err("`service.none` of entity `web` is not set"),
        );
        check("{service..x}", Err("is not a path"));
        check("{tags[-1]}", Err("is not a path"));
        check("{tags", Err("is not closed"));
        check("tags}", Err("stands alone"));
    }
}
