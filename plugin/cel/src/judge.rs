//! The two questions that the host asks: what must be read, and what speaks against the promotion.

use cel::{Context, Value};
use serde_json::Value as Json;

use super::contract::{Need, Reason, ReasonCure, StopPoint};
use super::expression;
use super::facts;
use super::settings::{self, CompiledRule, CureSetting};

/// Returns the reads that can be named already. One that rests on another's answer is named when that is there.
pub fn needs(facts: &str) -> Vec<Need> {
    let Ok((rule, facts)) = read(facts) else {
        // `check` says what is wrong.
        return Vec::new();
    };
    let Ok(context) = context(&facts) else {
        return Vec::new();
    };
    rule.needs
        .iter()
        .filter_map(|(name, need)| {
            let read = need.read(&context).ok()??;
            Some(Need {
                name: name.clone(),
                read,
            })
        })
        .collect()
}

/// Returns what speaks against the promotion.
pub fn check(facts: &str) -> Vec<Reason> {
    match judge(facts) {
        Ok(reasons) => reasons,
        Err(why) => vec![Reason {
            rule: String::new(),
            message: format!(
                "the rule cannot be computed, and so it refuses: {why}; mend its expression, or what it reads"
            ),
            stops: StopPoint::Propose,
            cure: ReasonCure::People,
        }],
    }
}

fn judge(facts: &str) -> Result<Vec<Reason>, String> {
    let (rule, facts) = read(facts)?;
    let mut context = context(&facts)?;
    for (name, need) in &rule.needs {
        if facts["needs"].get(name).is_some() {
            continue;
        }
        match need.read(&context) {
            Ok(None) => context.add_variable_from_value(name.as_str(), Value::Null),
            Ok(Some(_)) => return Err(format!("`needs.{name}` was not read")),
            Err(why) => return Err(format!("`needs.{name}`: {why}")),
        }
    }
    match rule.deny.compute(&context) {
        Ok(Value::Bool(false)) => Ok(Vec::new()),
        Ok(Value::Bool(true)) => Ok(vec![reason(&rule, &context)]),
        Ok(other) => Err(format!("`deny` is a {}, no boolean", other.type_of())),
        Err(why) => Err(format!("`deny`: {why}")),
    }
}

fn reason(rule: &CompiledRule, context: &Context<'_, '_>) -> Reason {
    let until = rule.until.as_ref().and_then(|until| {
        match until.compute(context) {
            Ok(Value::Timestamp(time)) => Some(
                time.with_timezone(&chrono::Utc)
                    .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            ),
            // A time that cannot be told is a time all the same.
            _ => None,
        }
    });
    Reason {
        rule: String::new(),
        message: rule.message.render(context).unwrap_or_else(|why| {
            format!(
                "`{}` is true, and the message has no text: {why}",
                rule.deny.source()
            )
        }),
        stops: rule.stops,
        cure: match rule.cure {
            CureSetting::Nothing => ReasonCure::Nothing,
            CureSetting::People => ReasonCure::People,
            CureSetting::Time => ReasonCure::Time(until),
        },
    }
}

fn read(facts: &str) -> Result<(CompiledRule, Json), String> {
    let facts: Json = serde_json::from_str(facts).map_err(|why| format!("the facts: {why}"))?;
    let rule = settings::read(&facts["settings"].to_string()).map_err(|all| all.join("; "))?;
    Ok((rule, facts))
}

fn context(facts: &Json) -> Result<Context<'static, 'static>, String> {
    let mut context = expression::context();
    facts::fill(&mut context, facts)?;
    Ok(context)
}

#[cfg(test)]
mod tests;
