//! Looks at an expression before it is computed: are its names known, do its types fit, could it take too long?

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;

use super::functions;
use super::kind::Kind;

/// The elements that a loop is taken to have.
const LOOP_ELEMENTS: u64 = 100;
/// Most steps that an expression may need, at so many elements a loop: two loops within one another, not three.
const MAX_STEPS: u64 = 1_000_000;

/// The names that an expression may use, with their kinds; later ones hide earlier ones.
pub type Scope = Vec<(String, Kind)>;

/// The result of a check.
struct Checked {
    kind: Kind,
    steps: u64,
}

/// Returns the kind of an expression's value.
///
/// # Errors
/// Says what is wrong in the expression, in a clause.
pub fn check(expression: &Expression, scope: &Scope) -> Result<Kind, String> {
    let checked = walk(expression, &mut scope.clone())?;
    if checked.steps > MAX_STEPS {
        return Err(format!(
            "it could take too long: about {} steps where each list has {LOOP_ELEMENTS} elements, and {MAX_STEPS} are allowed; put fewer loops within one another",
            checked.steps
        ));
    }
    Ok(checked.kind)
}

fn walk(expression: &Expression, scope: &mut Scope) -> Result<Checked, String> {
    match &expression.expr {
        Expr::Literal(literal) => Ok(one_step(literal_kind(literal))),
        Expr::Ident(name) => find(name, scope).map(one_step),
        Expr::Select(select) => {
            let operand = walk(&select.operand, scope)?;
            let kind = field(&operand.kind, &select.field)?;
            let kind = if select.test { Kind::Bool } else { kind };
            Ok(Checked {
                kind,
                steps: operand.steps + 1,
            })
        }
        Expr::List(list) => {
            let mut all = one_step(Kind::Nothing);
            for element in &list.elements {
                let element = walk(element, scope)?;
                all.kind = all.kind.join(element.kind);
                all.steps += element.steps;
            }
            Ok(Checked {
                kind: Kind::list(all.kind),
                ..all
            })
        }
        Expr::Map(map) => {
            let mut all = one_step(Kind::Nothing);
            let mut keys = Kind::Text;
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    let (key, value) = (walk(&entry.key, scope)?, walk(&entry.value, scope)?);
                    all.kind = all.kind.join(value.kind);
                    keys = keys.join(key.kind);
                    all.steps += key.steps + value.steps;
                }
            }
            // Of a map with other keys than texts nothing more is known.
            let kind = match keys {
                Kind::Text => Kind::map(all.kind),
                _ => Kind::Any,
            };
            Ok(Checked { kind, ..all })
        }
        Expr::Call(call) => self::call(call, scope),
        Expr::Comprehension(comprehension) => self::comprehension(comprehension, scope),
        Expr::Struct(made) => Err(format!(
            "it makes a `{}`: messages cannot be made, only lists and maps",
            made.type_name
        )),
        Expr::Unspecified => Err("it is empty".to_owned()),
    }
}

fn one_step(kind: Kind) -> Checked {
    Checked { kind, steps: 1 }
}

fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Bool,
        LiteralValue::Bytes(_) => Kind::Bytes,
        LiteralValue::Double(_) => Kind::Double,
        LiteralValue::Int(_) => Kind::Int,
        LiteralValue::Null => Kind::Null,
        LiteralValue::String(_) => Kind::Text,
        LiteralValue::UInt(_) => Kind::Uint,
    }
}

/// Names of types, which `type(x) == int` compares with.
const TYPES: [&str; 10] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

fn find(name: &str, scope: &Scope) -> Result<Kind, String> {
    if let Some((_, kind)) = scope.iter().rev().find(|(known, _)| known == name) {
        return Ok(kind.clone());
    }
    if TYPES.contains(&name) {
        return Ok(Kind::Type);
    }
    let names = scope.iter().map(|(name, _)| name.as_str());
    let hint = near(name, names.filter(|name| !name.starts_with('@')));
    Err(format!("there is no `{name}`{hint}"))
}

fn field(operand: &Kind, name: &str) -> Result<Kind, String> {
    match operand {
        Kind::Any | Kind::Nothing => Ok(Kind::Any),
        Kind::Map(value) => Ok((**value).clone()),
        Kind::Record(what, fields) => {
            let found = fields.iter().find(|(known, _)| *known == name);
            if let Some((_, kind)) = found {
                return Ok(kind.clone());
            }
            let properties = fields.iter().any(|(known, _)| *known == "properties");
            let hint = match near(name, fields.iter().map(|(known, _)| *known)) {
                hint if hint.is_empty() && properties => {
                    format!("; what the blueprint has is `properties.{name}` or `relations.{name}`")
                }
                hint if hint.is_empty() => {
                    let names: Vec<_> = fields.iter().map(|(known, _)| *known).collect();
                    format!("; it has {}", names.join(", "))
                }
                hint => hint,
            };
            Err(format!("{what} has no `{name}`{hint}"))
        }
        kind => Err(format!("`.{name}` is asked of {kind}, which has no fields")),
    }
}

fn call(call: &CallExpr, scope: &mut Scope) -> Result<Checked, String> {
    let receiver = match &call.target {
        Some(target) => Some(walk(target, scope)?),
        None => None,
    };
    let mut steps = 1 + receiver.as_ref().map_or(0, |it| it.steps);
    let mut arguments = Vec::new();
    for argument in &call.args {
        let argument = walk(argument, scope)?;
        steps += argument.steps;
        arguments.push(argument.kind);
    }
    let kind = match (&receiver, arguments.as_slice()) {
        (None, [one]) => unary(&call.func_name, one),
        (None, [left, right]) => binary(&call.func_name, left, right),
        (None, [condition, yes, no]) if call.func_name == operators::CONDITIONAL => {
            boolean("?:", condition)?;
            Some(Ok(yes.clone().join(no.clone())))
        }
        _ => None,
    };
    let kind = kind.unwrap_or_else(|| {
        let receiver = receiver.as_ref().map(|it| &it.kind);
        functions::result(&call.func_name, receiver, &arguments)
    })?;
    Ok(Checked { kind, steps })
}

fn boolean(operator: &str, kind: &Kind) -> Result<Kind, String> {
    if kind.is_open() || *kind == Kind::Bool {
        return Ok(Kind::Bool);
    }
    Err(format!("`{operator}` is given {kind}, and takes booleans"))
}

/// Returns the kind of an operator on one value; none if it is a function.
fn unary(name: &str, kind: &Kind) -> Option<Result<Kind, String>> {
    Some(match name {
        operators::LOGICAL_NOT => boolean("!", kind),
        operators::NOT_STRICTLY_FALSE => Ok(Kind::Bool),
        operators::NEGATE if kind.is_open() => Ok(Kind::Any),
        operators::NEGATE if matches!(kind, Kind::Int | Kind::Double) => Ok(kind.clone()),
        operators::NEGATE => Err(format!("`-` is given {kind}, and takes a number")),
        _ => return None,
    })
}

/// Returns the kind of an operator between two values; none if it is a function.
fn binary(name: &str, left: &Kind, right: &Kind) -> Option<Result<Kind, String>> {
    let sign = name.trim_matches('_');
    let mismatch = || Err(format!("`{sign}` stands between {left} and {right}"));
    Some(match name {
        operators::LOGICAL_AND | operators::LOGICAL_OR => {
            boolean(sign, left).and_then(|_| boolean(sign, right))
        }
        operators::EQUALS | operators::NOT_EQUALS => {
            if left.can_equal(right) {
                Ok(Kind::Bool)
            } else {
                Err(format!(
                    "`{sign}` compares {left} with {right}, which are never equal"
                ))
            }
        }
        operators::LESS
        | operators::LESS_EQUALS
        | operators::GREATER
        | operators::GREATER_EQUALS => {
            if left.has_order() && right.has_order() && left.can_equal(right) {
                Ok(Kind::Bool)
            } else {
                mismatch()
            }
        }
        operators::IN => match right {
            Kind::Any | Kind::Nothing | Kind::Map(_) | Kind::Record(..) => Ok(Kind::Bool),
            Kind::List(element) if element.can_equal(left) => Ok(Kind::Bool),
            Kind::List(element) => Err(format!(
                "`in` looks for {left} in a list whose elements are {element}"
            )),
            _ => Err(format!(
                "`in` looks into {right}, and takes a list or a map"
            )),
        },
        operators::INDEX => match (left, right) {
            (Kind::List(element), index) if index.is_open() || index.is_number() => {
                Ok((**element).clone())
            }
            (Kind::Map(value), _) => Ok((**value).clone()),
            (Kind::Record(..) | Kind::Any | Kind::Nothing, _) => Ok(Kind::Any),
            _ => Err(format!("`[…]` is asked of {left} with {right}")),
        },
        operators::ADD => sum(left, right).map_or_else(mismatch, Ok),
        operators::SUBSTRACT => difference(left, right).map_or_else(mismatch, Ok),
        operators::MULTIPLY | operators::DIVIDE | operators::MODULO => {
            arithmetic(left, right).map_or_else(mismatch, Ok)
        }
        _ => return None,
    })
}

fn arithmetic(left: &Kind, right: &Kind) -> Option<Kind> {
    match (left, right) {
        (one, other) if one.is_open() && (other.is_open() || other.is_number()) => {
            Some(other.clone())
        }
        (one, other) if other.is_open() && one.is_number() => Some(one.clone()),
        (one, other) if one == other && one.is_number() => Some(one.clone()),
        _ => None,
    }
}

fn sum(left: &Kind, right: &Kind) -> Option<Kind> {
    match (left, right) {
        (one, other) if one.is_open() || other.is_open() => Some(Kind::Any),
        (Kind::Text, Kind::Text) => Some(Kind::Text),
        (Kind::Bytes, Kind::Bytes) => Some(Kind::Bytes),
        (Kind::List(_), Kind::List(_)) => Some(left.clone().join(right.clone())),
        (Kind::Timestamp, Kind::Duration) | (Kind::Duration, Kind::Timestamp) => {
            Some(Kind::Timestamp)
        }
        (Kind::Duration, Kind::Duration) => Some(Kind::Duration),
        _ => arithmetic(left, right),
    }
}

fn difference(left: &Kind, right: &Kind) -> Option<Kind> {
    match (left, right) {
        (one, other) if one.is_open() || other.is_open() => Some(Kind::Any),
        (Kind::Timestamp, Kind::Timestamp) | (Kind::Duration, Kind::Duration) => {
            Some(Kind::Duration)
        }
        (Kind::Timestamp, Kind::Duration) => Some(Kind::Timestamp),
        _ => arithmetic(left, right),
    }
}

fn comprehension(of: &ComprehensionExpr, scope: &mut Scope) -> Result<Checked, String> {
    let range = walk(&of.iter_range, scope)?;
    let element = match &range.kind {
        Kind::List(element) => (**element).clone(),
        Kind::Map(_) | Kind::Record(..) => Kind::Text,
        Kind::Any | Kind::Nothing => Kind::Any,
        kind => return Err(format!("it looks for elements in {kind}, which has none")),
    };
    let start = walk(&of.accu_init, scope)?;
    let outside = scope.len();
    scope.push((of.accu_var.clone(), start.kind.clone()));
    scope.push((of.iter_var.clone(), element));
    if let Some(second) = &of.iter_var2 {
        scope.push((second.clone(), Kind::Any));
    }
    let inside = walk(&of.loop_cond, scope).and_then(|condition| {
        let step = walk(&of.loop_step, scope)?;
        Ok((condition.steps + step.steps, step.kind))
    });
    scope.truncate(outside);
    let (steps, step) = inside?;
    scope.push((of.accu_var.clone(), start.kind.join(step)));
    let result = walk(&of.result, scope);
    scope.truncate(outside);
    let result = result?;
    Ok(Checked {
        kind: result.kind,
        steps: (range.steps + start.steps + result.steps)
            .saturating_add(steps.saturating_mul(LOOP_ELEMENTS)),
    })
}

/// Returns a hint at the known name that is most like one that is not; empty if none is.
pub fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(String::new, |(_, known)| {
            format!("; did you mean `{known}`?")
        })
}
