//! One expression: compiled, checked and computed.

use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::parser::{Expression as Parsed, PrattParser};
use cel::{Context, Env, ExecutionError, Value};

use super::check::{self, Scope};
use super::kind::Kind;

/// Deepest nesting of parentheses, calls and lists.
const MAX_DEPTH: u16 = 48;
/// Most nodes of one expression.
const MAX_NODES: usize = 2_000;
/// Longest text of one expression.
const MAX_LENGTH: usize = 8_000;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib().with_optional_support(false);
    // It can only fail for a name that is there already, and the standard library has none of these.
    let _ = env.add_extension(cel::extensions::strings);
    let _ = env.add_overload(
        "matches",
        "matches",
        vec![STRING_TYPE, STRING_TYPE],
        matches,
    );
    let _ = env.add_member_overload(
        "matches",
        "matches_string",
        STRING_TYPE,
        vec![STRING_TYPE],
        matches,
    );
    Arc::new(env)
});

/// Looks for a pattern in a text.
fn matches<'a, 'v>(arguments: Vec<CowVal<'a, 'v>>) -> Result<CowVal<'a, 'v>, ExecutionError> {
    let text = |at: usize| {
        arguments
            .get(at)
            .and_then(|value| value.downcast_ref::<CelString<'_>>())
            .map(|text| text.inner().to_owned())
            .unwrap_or_default()
    };
    let (text, pattern) = (text(0), text(1));
    let compiled = regex_lite::Regex::new(&pattern).map_err(|why| {
        ExecutionError::function_error("matches", format!("`{pattern}` is no pattern: {why}"))
    })?;
    Ok(CowVal::owned(CelBool::from(compiled.is_match(&text))))
}

/// An expression that can be computed.
#[derive(Debug)]
pub struct Expression {
    parsed: Parsed,
    source: String,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Says where it is not CEL.
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > MAX_LENGTH {
            return Err(format!("it is longer than {MAX_LENGTH} bytes"));
        }
        let parser = PrattParser::new()
            .max_recursion_depth(MAX_DEPTH)
            .max_expression_node_count(MAX_NODES)
            .enable_ident_escape_syntax(true)
            .error_reporting_limit(1);
        let parsed = parser.parse(source).map_err(|errors| {
            let first = errors.errors.first();
            first.map_or_else(
                || "it is not CEL".to_owned(),
                |error| {
                    let said = error.msg.trim_start_matches("Syntax error: ");
                    let (line, column) = error.pos;
                    format!("line {line}, column {column}: {said}")
                },
            )
        })?;
        Ok(Self {
            parsed,
            source: source.to_owned(),
        })
    }

    /// Checks the expression against the names that it may use; returns the kind of its value.
    ///
    /// # Errors
    /// Says what is wrong, in a clause.
    pub fn check(&self, scope: &Scope) -> Result<Kind, String> {
        check::check(&self.parsed, scope)
    }

    /// Computes the expression.
    ///
    /// # Errors
    /// Says why it has no value, in a clause.
    pub fn compute(&self, context: &Context<'_, '_>) -> Result<Value, String> {
        Value::resolve(&self.parsed, context).map_err(|error| error.to_string())
    }

    /// Returns the text that was compiled.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// Returns a context that has the functions, and no names yet.
pub fn context<'v>() -> Context<'static, 'v> {
    Context::with_env(Arc::clone(&ENVIRONMENT))
}
