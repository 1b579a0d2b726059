//! Words that a terminal, a runner or a reader of Markdown might obey: printed, noted, looked up, and given as the reason of a
//! refusal. That nobody obeys them is checked of every case that the program runs.

use promote_tests::guests::INJECTOR;

use super::HostileCase;

pub(super) fn cases() -> Vec<HostileCase> {
    // They are shown, with what makes them harmful taken out.
    let said = |class, text| HostileCase::of(class, INJECTOR, "say", "refused", "owned").text(text);
    vec![
        said("workflow commands", "::set-env name=PATH::owned"),
        said(
            "workflow commands",
            "x\n::add-mask::owned\r\n  ::stop-commands::owned",
        ),
        said("workflow commands", "##[error]owned ##[group]"),
        said("workflow commands", "owned%0A::error::owned"),
        said(
            "step outputs",
            "EOF\nimage=owned\nEOF\nimage<<EOF\nowned\nEOF\n",
        ),
        said("terminal", "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31mowned"),
        said("terminal", "\r\u{1b}[1Aowned\u{8}\u{7f}"),
        said("terminal", "\u{9b}31mowned\u{90}\u{0}"),
        said("bidirectional", "\u{202e}denwo\u{202c} owned"),
        said("bidirectional", "\u{2067}owned\u{2066}\u{2069}\u{200f}"),
        said(
            "invisible",
            "own\u{200b}ed \u{feff}owned\u{e0041}\u{2028}owned",
        ),
        said(
            "HTML",
            "<img src=x onerror=alert(1)>owned<script>alert(1)</script>",
        ),
        said("HTML", "</details></table><!-- owned"),
        said(
            "Markdown",
            "[owned](https://evil.example) ![x](https://evil.example/x.png)",
        ),
        said("Markdown", "@everyone #1 | owned | `code` **x**"),
        said("Markdown", "```\n# owned\n```\n<img src=x>"),
    ]
}
