//! HTML pages that need nothing else, and the form that a report is asked for in.
//!
//! Every string that a page shows is hostile: each goes through [`escape`]. A page has no script, and says that it allows none,
//! nor anything from elsewhere.

use clap::ValueEnum;
use promote_core::text;

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object
    Json,
    /// One page that needs nothing else
    Html,
}

/// Returns the beginning of a page, with its title and with style of its own after that of all pages.
pub(crate) fn begin(title: &str, style: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{common}{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        title = escape(title),
        common = include_str!("page.css"),
    )
}

/// Ends a page.
pub(crate) fn end(mut page: String) -> String {
    page.push_str("</body>\n</html>\n");
    page
}

/// Text in an element or in a quoted attribute; what hides or reorders text is a space.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text::line(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escaped text in which what stands between two backticks is shown as code.
pub(crate) fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped;
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        0 => (*part).to_owned(),
        _ => format!("<code>{part}</code>"),
    };
    parts.iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_are_code_if_they_come_in_pairs() {
        assert_eq!(prose("set `<a>` now"), "set <code>&lt;a&gt;</code> now");
        assert_eq!(prose("one ` alone"), "one ` alone");
    }

    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(
            escape("<img src=x onerror='a(\"b\")'>&\u{202e}"),
            "&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt;&amp; "
        );
    }
}
