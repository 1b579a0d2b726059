//! Two runs of one scenario, on the mock and over HTTP: they must not differ.

use super::diff::only;
use super::made::MadeCall;
use super::result::{ExpectMismatch, StepResult};

/// Width of the left column.
const LEFT_COLUMN_CHARS: usize = 72;

/// Compares the same step on the mock and over HTTP.
pub(super) fn differences(mock: &StepResult, http: &StepResult) -> Vec<ExpectMismatch> {
    let mut found = Vec::new();
    let mut same = |key: &str, mock: String, http: String| {
        if mock != http {
            found.push(ExpectMismatch {
                key: key.to_owned(),
                expected: mock,
                actual: http,
            });
        }
    };
    let exit = |ran: &StepResult| ran.exit.map(|exit| exit.to_string()).unwrap_or_default();
    same(
        "outcome",
        mock.ending.unwrap_or_default().to_owned(),
        http.ending.unwrap_or_default().to_owned(),
    );
    same("exit", exit(mock), exit(http));
    same("message", mock.message.clone(), http.message.clone());
    let (mock_state, http_state) = only(&mock.after.fingerprint(), &http.after.fingerprint());
    same("state", mock_state, http_state);
    if mock.calls != http.calls {
        found.push(ExpectMismatch {
            key: "calls".to_owned(),
            expected: "the same calls and answers on the mock (left) and over HTTP (right)"
                .to_owned(),
            actual: beside(&mock.calls, &http.calls),
        });
    }
    found
}

/// Both lists, side by side; `!` marks what differs. Where only the answers do, they are shown below.
fn beside(mock: &[MadeCall], http: &[MadeCall]) -> String {
    let mut lines = Vec::new();
    for index in 0..mock.len().max(http.len()) {
        let left = mock.get(index);
        let right = http.get(index);
        let line = |made: Option<&MadeCall>| made.map(MadeCall::line).unwrap_or_default();
        let cut: String = line(left).chars().take(LEFT_COLUMN_CHARS).collect();
        let mark = if left == right { ' ' } else { '!' };
        lines.push(format!(
            "{mark} {cut:<LEFT_COLUMN_CHARS$} | {}",
            line(right)
        ));
        if left != right && line(left) == line(right) {
            let answer = |made: Option<&MadeCall>| format!("{:?}", made.map(|made| &made.answer));
            lines.push(format!("    left:  {}", answer(left)));
            lines.push(format!("    right: {}", answer(right)));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::CallFate;
    use promote_core::call::{Call, Reply};

    #[test]
    fn a_difference_is_marked_between_both_lists() {
        let made = |call, reply| MadeCall {
            call,
            answer: CallFate::Reply(Box::new(reply)),
        };
        let sleep = |seconds| Call::Sleep { seconds };
        let time = |text: &str| Reply::Time(text.to_owned());
        let mock = [
            made(sleep(1), Reply::Done(())),
            made(Call::Now, time("10:00")),
            made(sleep(2), Reply::Done(())),
        ];
        let http = [
            made(sleep(1), Reply::Done(())),
            made(Call::Now, time("10:01")),
            made(sleep(3), Reply::Done(())),
            made(Call::Now, time("10:02")),
        ];
        let lines = beside(&mock, &http);
        let lines: Vec<&str> = lines.lines().collect();
        assert!(
            lines[0].starts_with("  sleep 1 s") && lines[0].ends_with("| sleep 1 s"),
            "{lines:?}"
        );
        assert!(lines[1].starts_with("! now"), "{lines:?}");
        assert!(
            lines[2].contains("10:00") && lines[3].contains("10:01"),
            "{lines:?}"
        );
        assert!(
            lines[4].starts_with("! sleep 2 s") && lines[4].ends_with("| sleep 3 s"),
            "{lines:?}"
        );
        assert!(
            lines[5].starts_with("! ") && lines[5].ends_with("| now"),
            "{lines:?}"
        );
    }
}
