//! The functions that expressions can call, and what they take and return.

use super::check::near;
use super::kind::Kind;

/// A form in which a function can be called.
struct Signature {
    name: &'static str,
    /// What stands before the dot, if it is called on something.
    receiver: Option<Operand>,
    arguments: &'static [Operand],
    result: Kind,
}

/// What a function takes in one place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operand {
    Any,
    Text,
    Bytes,
    Int,
    Sized,
    Timestamp,
    Duration,
    List,
}

impl Operand {
    fn takes(self, kind: &Kind) -> bool {
        if kind.is_open() {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Text => *kind == Kind::Text,
            Self::Bytes => *kind == Kind::Bytes,
            Self::Int => *kind == Kind::Int,
            Self::Timestamp => *kind == Kind::Timestamp,
            Self::Duration => *kind == Kind::Duration,
            Self::List => matches!(kind, Kind::List(_)),
            Self::Sized => matches!(
                kind,
                Kind::Text | Kind::Bytes | Kind::List(_) | Kind::Map(_) | Kind::Record(..)
            ),
        }
    }
}

/// Functions of one value, each also a conversion.
const CONVERSIONS: [(&str, Kind); 9] = [
    ("int", Kind::Int),
    ("uint", Kind::Uint),
    ("double", Kind::Double),
    ("string", Kind::Text),
    ("bool", Kind::Bool),
    ("bytes", Kind::Bytes),
    ("timestamp", Kind::Timestamp),
    ("duration", Kind::Duration),
    ("type", Kind::Type),
];

/// Parts of a point in time, which take a time zone if they are given one.
const TIME_PARTS: [&str; 10] = [
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

/// Parts that a span of time has too.
const DURATION_PARTS: [&str; 4] = ["getHours", "getMinutes", "getSeconds", "getMilliseconds"];

fn signatures() -> Vec<Signature> {
    use Operand::{Any, Bytes, Duration, Int, List, Sized, Text, Timestamp};
    let call = |name, receiver, arguments, result| Signature {
        name,
        receiver,
        arguments,
        result,
    };
    let mut all: Vec<Signature> = CONVERSIONS
        .into_iter()
        .map(|(name, result)| call(name, None, &[Any], result))
        .collect();
    all.extend([
        call("dyn", None, &[Any], Kind::Any),
        call("size", None, &[Sized], Kind::Int),
        call("size", Some(Sized), &[], Kind::Int),
        call("matches", None, &[Text, Text], Kind::Bool),
        call("matches", Some(Text), &[Text], Kind::Bool),
        call("contains", Some(Text), &[Text], Kind::Bool),
        call("startsWith", Some(Text), &[Text], Kind::Bool),
        call("endsWith", Some(Text), &[Text], Kind::Bool),
        call("contains", Some(Bytes), &[Bytes], Kind::Bool),
        call("lowerAscii", Some(Text), &[], Kind::Text),
        call("upperAscii", Some(Text), &[], Kind::Text),
        call("trim", Some(Text), &[], Kind::Text),
        call("reverse", Some(Text), &[], Kind::Text),
        call("charAt", Some(Text), &[Int], Kind::Text),
        call("indexOf", Some(Text), &[Text], Kind::Int),
        call("indexOf", Some(Text), &[Text, Int], Kind::Int),
        call("lastIndexOf", Some(Text), &[Text], Kind::Int),
        call("lastIndexOf", Some(Text), &[Text, Int], Kind::Int),
        call("replace", Some(Text), &[Text, Text], Kind::Text),
        call("replace", Some(Text), &[Text, Text, Int], Kind::Text),
        call("split", Some(Text), &[Text], Kind::list(Kind::Text)),
        call("split", Some(Text), &[Text, Int], Kind::list(Kind::Text)),
        call("substring", Some(Text), &[Int], Kind::Text),
        call("substring", Some(Text), &[Int, Int], Kind::Text),
        call("format", Some(Text), &[List], Kind::Text),
        call("join", Some(List), &[], Kind::Text),
        call("join", Some(List), &[Text], Kind::Text),
    ]);
    for name in TIME_PARTS {
        all.push(call(name, Some(Timestamp), &[], Kind::Int));
        all.push(call(name, Some(Timestamp), &[Text], Kind::Int));
    }
    for name in DURATION_PARTS {
        all.push(call(name, Some(Duration), &[], Kind::Int));
    }
    all
}

/// Returns the kind of a call's result.
///
/// # Errors
/// When there is no such function, or none that takes these values.
pub fn result(name: &str, receiver: Option<&Kind>, arguments: &[Kind]) -> Result<Kind, String> {
    let all = signatures();
    let named: Vec<&Signature> = all.iter().filter(|one| one.name == name).collect();
    if named.is_empty() {
        let names = all.iter().map(|one| one.name).chain(MACROS);
        return Err(format!(
            "there is no function `{name}`{}",
            near(name, names)
        ));
    }
    let fits = |one: &&&Signature| {
        let receiver_fits = match (one.receiver, receiver) {
            (None, None) => true,
            (Some(operand), Some(kind)) => operand.takes(kind),
            _ => false,
        };
        let arguments_fit = one.arguments.len() == arguments.len()
            && one
                .arguments
                .iter()
                .zip(arguments)
                .all(|(operand, kind)| operand.takes(kind));
        receiver_fits && arguments_fit
    };
    if let Some(found) = named.iter().find(fits) {
        return Ok(found.result.clone());
    }
    let told: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let on = receiver.map(|kind| format!(" on {kind}"));
    Err(format!(
        "`{name}` cannot be called{} with {}",
        on.unwrap_or_default(),
        if told.is_empty() {
            "nothing".to_owned()
        } else {
            told.join(" and ")
        }
    ))
}

/// Names that the parser makes loops of.
const MACROS: [&str; 6] = ["has", "all", "exists", "exists_one", "map", "filter"];
