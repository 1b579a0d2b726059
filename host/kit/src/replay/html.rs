//! The decisions of another policy as one page that needs nothing else.
//!
//! Filters are radio buttons and style.

use std::fmt::Write as _;

use super::backtest::{DecisionChange, RunDecision, TrialResult};
use super::table::{BacktestReport, transition};
use crate::page::{self, escape, prose};
use promote_core::call::Call;
use promote_core::call::contrast::differences;
use promote_core::text;

/// The whole page.
pub(super) fn report(report: &BacktestReport) -> String {
    let mut page = page::begin("What would have been decided", include_str!("backtest.css"));
    let _ = writeln!(
        page,
        "<p class=\"quiet\">policy <code>{policy}</code> · {runs} in {took:.2} s</p>",
        policy = escape(&report.policy),
        runs = text::count(report.all.len(), "run"),
        took = report.took.as_secs_f64(),
    );
    bar(&mut page, report);
    flips(&mut page, report);
    filters(&mut page, report);
    page.push_str("<table>\n<thead><tr><th>run</th><th>when</th><th>before → now</th><th>why</th></tr></thead>\n<tbody>\n");
    for change in DecisionChange::ALL {
        for (path, tried) in report.tried().filter(|(_, tried)| tried.change == change) {
            row(&mut page, &path, tried);
        }
    }
    for (path, why) in report.unusable() {
        let _ = writeln!(
            page,
            "<tr class=\"unusable\"><td>{}</td><td></td><td><span class=\"tag\">unusable</span></td><td>{}</td></tr>",
            escape(&path),
            escape(&why)
        );
    }
    page.push_str("</tbody>\n</table>\n");
    page::end(page)
}

/// One bar, as wide as the page, of all runs.
fn bar(page: &mut String, report: &BacktestReport) {
    page.push_str("<div class=\"bar\" role=\"img\" aria-label=\"runs by change\">");
    for change in DecisionChange::ALL {
        let count = report.count(change);
        let name = change.name();
        if count > 0 {
            let _ = write!(
                page,
                "<span class=\"{name}\" style=\"flex:{count}\" title=\"{count} {name}\"></span>"
            );
        }
    }
    page.push_str("</div>\n");
}

fn flips(page: &mut String, report: &BacktestReport) {
    let flips = report.flips();
    if flips.is_empty() {
        page.push_str("<p>No decision flips.</p>\n");
        return;
    }
    page.push_str("<ul class=\"flips\">\n");
    for (flip, count) in flips {
        let _ = writeln!(page, "<li><b>{count}</b> {}</li>", escape(&flip));
    }
    page.push_str("</ul>\n");
}

/// Radio buttons that stand before the table, so that style alone hides rows.
fn filters(page: &mut String, report: &BacktestReport) {
    let all = report.all.len();
    let _ = writeln!(
        page,
        "<input type=\"radio\" name=\"show\" id=\"all\" checked><label for=\"all\">all <b>{all}</b></label>"
    );
    for change in DecisionChange::ALL {
        let name = change.name();
        let count = report.count(change);
        let _ = writeln!(
            page,
            "<input type=\"radio\" name=\"show\" id=\"{name}\"><label for=\"{name}\">{name} <b>{count}</b></label>"
        );
    }
}

fn row(page: &mut String, path: &str, tried: &TrialResult) {
    let name = tried.change.name();
    let _ = write!(
        page,
        "<tr class=\"{name}\"><td>{subject}<div class=\"quiet\">{run}</div></td><td class=\"quiet\">{at}</td>\
         <td><span class=\"tag\">{name}</span> {flip}{simulated}</td><td>",
        subject = escape(&tried.subject),
        run = escape(&tried.run),
        at = escape(&tried.started_at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        flip = escape(&transition(tried)),
        simulated = if tried.simulated {
            "<div class=\"quiet\">if its writes go well</div>"
        } else {
            ""
        },
    );
    if tried.change == DecisionChange::Same {
        let message = tried
            .new
            .as_ref()
            .map(|new| new.message.as_str())
            .unwrap_or_default();
        let _ = writeln!(page, "{}</td></tr>", prose(message));
        return;
    }
    let _ = write!(page, "<details><summary>{}</summary>", prose(&tried.why));
    details(page, path, tried);
    page.push_str("</details></td></tr>\n");
}

fn details(page: &mut String, path: &str, tried: &TrialResult) {
    let words = |decision: &Option<RunDecision>| {
        decision.as_ref().map_or_else(
            || "not known".to_owned(),
            |one| format!("{}: {}", one.kind, one.message),
        )
    };
    page.push_str("<table class=\"sides\"><tr><th></th><th>recorded</th><th>now</th></tr>");
    sides(page, "decision", &words(&tried.old), &words(&tried.new));
    if let Some(parting) = &tried.parting {
        let call = |call: &Option<Call>| {
            call.as_ref()
                .map_or_else(|| "the end".to_owned(), ToString::to_string)
        };
        sides(
            page,
            "first other call",
            &call(&parting.recorded),
            &call(&parting.now),
        );
        for one in parting
            .recorded
            .iter()
            .zip(&parting.now)
            .flat_map(|(old, new)| differences(old, new))
        {
            sides(page, &one.field, &one.left, &one.right);
        }
    }
    let old = tried.old_writes.join("\n");
    let new = tried.new_writes.join("\n");
    sides(page, "writes", &old, &new);
    let _ = write!(page, "</table><div class=\"quiet\">{}</div>", escape(path));
}

fn sides(page: &mut String, title: &str, old: &str, new: &str) {
    let _ = write!(
        page,
        "<tr><th>{}</th><td>{}</td><td>{}</td></tr>",
        escape(title),
        lines(old),
        lines(new)
    );
}

fn lines(text: &str) -> String {
    text.lines().map(prose).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_foreign_text_are_no_markup() {
        assert_eq!(lines("a\n<b>"), "a<br>&lt;b&gt;");
    }
}
