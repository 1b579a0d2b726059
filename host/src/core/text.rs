//! Makes foreign text harmless before people or runners read it.
//!
//! Every string from Port, GitHub or a policy is hostile: it may hold ANSI sequences or characters that reorder what a reader
//! sees. What a runner or a Markdown page would obey is the business of [`crate::words`].

/// Longest foreign text that is shown, in characters.
const LONGEST: usize = 2_000;

/// Returns the text on one line, without control characters, escape sequences and characters that change the
/// direction or the visibility of others; cut at 2,000 characters.
pub fn line(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST).map(|c| if is_plain(c) { c } else { ' ' }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a character is shown as it is: no control, no bidirectional or zero-width formatting, no tag, no separator.
pub fn is_plain(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !hidden
}
