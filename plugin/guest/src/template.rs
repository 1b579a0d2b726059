//! Templates in settings, such as `{production.gitPath}/deployment.yaml`. An error is a text, which a reason can hold.
//!
//! Values come from the catalog and are hostile: whoever uses the result checks it.
//!
//! ```
//! use promote_guest::template::render;
//!
//! let production = serde_json::json!({ "identifier": "web-prod", "properties": { "gitPath": "apps/web" } });
//! let context = serde_json::json!({ "production": production });
//! assert_eq!(render("{production.gitPath}/app.yaml", &context)?, "apps/web/app.yaml");
//! assert!(render("{production.gitRepo}", &context).is_err()); // not set
//! # Ok::<(), String>(())
//! ```

use serde_json::Value;

pub use promote_template::{Template, TemplateError};

/// Fills a template in.
///
/// ```
/// use promote_guest::template;
/// use serde_json::json;
///
/// let production = json!({ "identifier": "web-prod", "properties": { "gitPath": "apps/web" } });
/// let path = template::render("{production.gitPath}/app.yaml", &json!({ "production": production }));
/// assert_eq!(path, Ok("apps/web/app.yaml".to_owned()));
/// ```
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
    Ok(Template::parse(template)?.render(context, show)?)
}

/// Fills a template in that may stand for several values: one that is a single placeholder, of a list of texts, is each of
/// them.
///
/// # Errors
/// As [`render`].
pub fn render_all(template: &str, context: &Value) -> Result<Vec<String>, String> {
    Ok(Template::parse(template)?.render_all(context)?)
}
