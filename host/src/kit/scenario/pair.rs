//! Two runs of one scenario, on the mock and over HTTP: they must not differ.

use super::expect::Mismatch;
use super::made::Made;
use super::run::Ran;

/// Width of the left column.
const COLUMN: usize = 72;

/// What differs between the same step on the mock and over HTTP.
pub(super) fn differences(mock: &Ran, http: &Ran) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut same = |key: &str, mock: String, http: String| {
        if mock != http {
            found.push(Mismatch {
                key: key.to_owned(),
                expected: mock,
                actual: http,
            });
        }
    };
    let exit = |ran: &Ran| ran.exit.map(|exit| exit.to_string()).unwrap_or_default();
    same(
        "outcome",
        mock.ending.unwrap_or_default().to_owned(),
        http.ending.unwrap_or_default().to_owned(),
    );
    same("exit", exit(mock), exit(http));
    same("message", mock.message.clone(), http.message.clone());
    same("state", mock.after.fingerprint(), http.after.fingerprint());
    if mock.calls != http.calls {
        found.push(Mismatch {
            key: "calls".to_owned(),
            expected: "the same calls and answers on the mock (left) and over HTTP (right)"
                .to_owned(),
            actual: beside(&mock.calls, &http.calls),
        });
    }
    found
}

/// Both lists, side by side; `!` marks what differs. Where only the answers do, they are shown below.
fn beside(mock: &[Made], http: &[Made]) -> String {
    let mut lines = Vec::new();
    for index in 0..mock.len().max(http.len()) {
        let (left, right) = (mock.get(index), http.get(index));
        let line = |made: Option<&Made>| made.map(Made::line).unwrap_or_default();
        let cut: String = line(left).chars().take(COLUMN).collect();
        let mark = if left == right { ' ' } else { '!' };
        lines.push(format!("{mark} {cut:<COLUMN$} | {}", line(right)));
        if left != right && line(left) == line(right) {
            let answer = |made: Option<&Made>| format!("{:?}", made.map(|made| &made.answer));
            lines.push(format!("    left:  {}", answer(left)));
            lines.push(format!("    right: {}", answer(right)));
        }
    }
    lines.join("\n")
}
