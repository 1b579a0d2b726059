//! Guesses at the name that somebody meant by one that does not exist.
//!
//! ```
//! use promote_core::near::near;
//!
//! let keys = ["component", "settings", "tier"];
//! assert_eq!(near("setings", keys.into_iter()), Some("settings"));
//! assert_eq!(near("colour", keys.into_iter()), None);
//! ```

/// The known name that is nearest to another one, if it is near enough to be meant.
pub fn near<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let unknown = unknown.to_lowercase();
    known
        .map(|name| (strsim::damerau_levenshtein(&unknown, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1.max(name.len() / 3))
        .map(|(_, name)| name)
}
