//! Templates: text with `{path}` in it, where the path names something in Port's catalog.
//!
//! The settings of a policy and the grants of the operator are read by this one engine, so the same text means the same in
//! both. It knows nothing of Port, of policies or of grants: it fills text in from a JSON value.
//!
//! A path is names and indexes, `{service.relations.prod_runtime}` or `{tags[0]}`. On an entity, which is an object with an
//! `identifier`, a name that is not one of its own fields is looked for among its properties and then its relations:
//! `{production.gitPath}` is short for `{production.properties.gitPath}`. Braces are doubled to stand for themselves.
//!
//! Values come from the catalog and are hostile: whoever uses the result checks or quotes it. A value that is missing, empty
//! or not a single text, number or boolean is an error, never an empty string, which would match too much.
//!
//! ```
//! use promote_template::Template;
//! use serde_json::json;
//!
//! let template = Template::parse("{service.gitPath}/deployment.yaml")?;
//! let context = json!({ "service": { "identifier": "web", "properties": { "gitPath": "apps/web" } } });
//! assert_eq!(template.render(&context, str::to_owned)?, "apps/web/deployment.yaml");
//! # Ok::<(), promote_template::TemplateError>(())
//! ```

pub mod braces;
mod error;
mod path;

use std::fmt;

use serde_json::Value;

use braces::{LoneBrace, TextPart};
pub use error::TemplateError;
use path::ValuePath;

/// A text with `{path}` holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    holes: Vec<TemplateHole>,
    /// The text after the last hole.
    end: String,
}

/// A path to fill in, and the text before it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TemplateHole {
    before: String,
    path: ValuePath,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When a brace has no partner, or when what stands between braces is not a path.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let parts = braces::split(source, |rest| rest.find('}')).map_err(|brace| match brace {
            LoneBrace::Open => TemplateError::unclosed(source),
            LoneBrace::Close => TemplateError::unopened(source),
        })?;
        let mut holes = Vec::new();
        let mut text = String::new();
        for part in parts {
            match part {
                TextPart::Text(part) => text = part,
                TextPart::Hole(path) => holes.push(TemplateHole {
                    before: std::mem::take(&mut text),
                    path: ValuePath::parse(path.trim())?,
                }),
            }
        }
        Ok(Self {
            source: source.to_owned(),
            holes,
            end: text,
        })
    }

    /// Returns the text that it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it depends on what it is filled in from.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    /// Fills in every hole with `quote` of its value; the template's own text stays as it is.
    ///
    /// # Errors
    /// Says which path has no usable value, and what there is instead.
    pub fn render(
        &self,
        context: &Value,
        quote: impl Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        let mut text = String::new();
        for hole in &self.holes {
            text.push_str(&hole.before);
            text.push_str(&quote(&hole.path.find_text(context)?));
        }
        text.push_str(&self.end);
        Ok(text)
    }

    /// Fills in a template that may stand for several texts: one that is a single hole, of a list of texts, is each of them.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_all(&self, context: &Value) -> Result<Vec<String>, TemplateError> {
        if let [hole] = self.holes.as_slice()
            && hole.before.is_empty()
            && self.end.is_empty()
            && let Some(texts) = hole.path.find_texts(context)
        {
            return Ok(texts);
        }
        Ok(vec![self.render(context, str::to_owned)?])
    }

    /// Puts the same text into every hole, for instance `*` to find the files of any service.
    #[must_use]
    pub fn fill_holes(&self, text: &str) -> String {
        let before = self.holes.iter().map(|hole| hole.before.clone() + text);
        before.collect::<String>() + &self.end
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(source: String) -> Result<Self, TemplateError> {
        Self::parse(&source)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// Reads a template and fills it in with the values as they are.
///
/// # Errors
/// As [`Template::parse`] and [`Template::render`].
pub fn render(template: &str, context: &Value) -> Result<String, TemplateError> {
    Template::parse(template)?.render(context, str::to_owned)
}

#[cfg(test)]
mod tests;
