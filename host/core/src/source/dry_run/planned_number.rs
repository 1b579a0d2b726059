//! The number of a pull request that is yet to be opened, as people see it.

use crate::source::dry_run::FIRST;

/// Most pull requests that a plan shows by name.
const SHOWN: u32 = 9;

/// The text with each planned number replaced by a word.
pub fn replace(text: &str) -> String {
    (0..SHOWN).fold(text.to_owned(), |text, index| {
        text.replace(&(FIRST + index).to_string(), "(new)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_number_is_a_word() {
        assert_eq!(
            replace("merge acme/gitops#4000000001"),
            "merge acme/gitops#(new)"
        );
        assert_eq!(replace("merge acme/gitops#40"), "merge acme/gitops#40");
    }
}
