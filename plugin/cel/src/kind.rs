//! What is known of a value before it is computed.

use std::fmt;

/// The kind of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Anything: what the catalog holds is known only when it is there.
    Any,
    /// The element of a list without elements.
    Nothing,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// A number with a fraction.
    Double,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A point in time.
    Timestamp,
    /// A span of time.
    Duration,
    /// The type of a value.
    Type,
    /// A list of one kind of elements.
    List(Box<Self>),
    /// A map from texts to one kind of values.
    Map(Box<Self>),
    /// A map whose keys are known.
    Record(&'static str, Vec<(&'static str, Self)>),
}

impl Kind {
    /// A list of elements of a kind.
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// A map to values of a kind.
    pub fn map(value: Self) -> Self {
        Self::Map(Box::new(value))
    }

    /// Returns the kind of a value that is of one kind or the other.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Nothing, kind) | (kind, Self::Nothing) => kind,
            (Self::List(one), Self::List(other)) => Self::list(one.join(*other)),
            (Self::Map(one), Self::Map(other)) => Self::map(one.join(*other)),
            _ => Self::Any,
        }
    }

    /// Returns whether nothing more is known.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Any | Self::Nothing)
    }

    /// Returns whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Returns whether a value of one kind can equal one of the other: where it never can, a comparison is a mistake.
    pub fn can_equal(&self, other: &Self) -> bool {
        if self.is_open() || other.is_open() || (self.is_number() && other.is_number()) {
            return true;
        }
        match (self, other) {
            (Self::List(one), Self::List(other)) => one.can_equal(other),
            (Self::Map(_) | Self::Record(..), Self::Map(_) | Self::Record(..)) => true,
            // What was looked for and is not there is null.
            (Self::Null, Self::Record(..)) | (Self::Record(..), Self::Null) => true,
            (one, other) => one == other,
        }
    }

    /// Returns whether one value of this kind comes before another.
    pub fn has_order(&self) -> bool {
        self.is_open()
            || self.is_number()
            || matches!(
                self,
                Self::Bool | Self::Text | Self::Bytes | Self::Timestamp | Self::Duration
            )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Any | Self::Nothing => "any value",
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Int => "an integer",
            Self::Uint => "an unsigned integer",
            Self::Double => "a floating-point number",
            Self::Text => "a string",
            Self::Bytes => "bytes",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::Type => "a type",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Record(..) => "a map",
        };
        f.write_str(word)
    }
}
