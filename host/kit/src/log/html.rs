//! The log as one page: each promotion a card that opens into the timeline of its runs.

use std::fmt::Write as _;

use super::PromotionLog;
use super::promotion::{LoggedPromotion, LoggedRun, LoggedStep};
use super::record::RecordedPromotion;
use super::show;
use crate::page::{self, escape, prose};

/// The classes that the cards are filtered by.
const CLASSES: [&str; 4] = ["promoted", "waiting", "refused", "failed"];

/// Returns the whole page.
pub(super) fn page(log: &PromotionLog) -> String {
    let mut page = page::begin("Promotions", include_str!("log.css"));
    let _ = writeln!(
        page,
        "<p class=\"quiet\">{}</p>",
        escape(&show::counts(log))
    );
    filters(&mut page, log);
    page.push_str("<main>\n");
    for promotion in &log.promotions {
        card(&mut page, promotion);
    }
    for record in &log.records {
        record_card(&mut page, record);
    }
    for (path, why) in &log.damaged {
        let _ = writeln!(
            page,
            "<p class=\"failed\"><span class=\"tag\">damaged</span> {}: {}</p>",
            escape(&path.display().to_string()),
            escape(why)
        );
    }
    page.push_str("</main>\n");
    page::end(page)
}

/// Radio buttons that stand before the cards, so that style alone hides some.
fn filters(page: &mut String, log: &PromotionLog) {
    let all = log.outcomes().count();
    let _ = writeln!(
        page,
        "<input type=\"radio\" name=\"show\" id=\"all\" checked><label for=\"all\">all <b>{all}</b></label>"
    );
    for name in CLASSES {
        let count = log.outcomes().filter(|one| class(one) == name).count();
        let _ = writeln!(
            page,
            "<input type=\"radio\" name=\"show\" id=\"{name}\"><label for=\"{name}\">{name} <b>{count}</b></label>"
        );
    }
}

/// The class of an outcome; whatever needs somebody to look is `failed`.
fn class(outcome: &str) -> &'static str {
    match outcome {
        "promoted" | "unchanged" => "promoted",
        "waiting" => "waiting",
        "refused" => "refused",
        _ => "failed",
    }
}

fn card(page: &mut String, promotion: &LoggedPromotion) {
    let outcome = promotion.outcome();
    let _ = writeln!(
        page,
        "<details class=\"card {class}\"><summary><span class=\"tag\">{outcome}</span> <b>{subject}</b> \
         <time>{at}</time><div>{message}</div><div class=\"quiet\">{circumstances}</div></summary>",
        class = class(outcome),
        outcome = escape(outcome),
        subject = escape(&show::subject(promotion)),
        at = promotion.began().strftime("%Y-%m-%d %H:%M UTC"),
        message = prose(&promotion.last().message()),
        circumstances = escape(&show::circumstances(promotion)),
    );
    for run in promotion.runs() {
        timeline(page, run);
    }
    page.push_str("</details>\n");
}

/// A card of Port's record, which has no timeline.
fn record_card(page: &mut String, record: &RecordedPromotion) {
    let began = record.began();
    let began = began.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let _ = writeln!(
        page,
        "<div class=\"card {class}\"><span class=\"tag\">{outcome}</span> <b>{subject}</b> <time>{at}</time>\
         <div>{message}</div><div class=\"quiet\">{circumstances}</div></div>",
        class = class(record.outcome()),
        outcome = escape(record.outcome()),
        subject = escape(record.subject()),
        at = began.unwrap_or_default(),
        message = prose(record.message()),
        circumstances = escape(&record.circumstances()),
    );
}

fn timeline(page: &mut String, run: &LoggedRun) {
    let _ = writeln!(
        page,
        "<section><h2>{at} · {ending}</h2><ol>",
        at = run.header().started_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        ending = escape(run.ending()),
    );
    for step in run.steps() {
        self::step(page, &step);
    }
    let _ = writeln!(
        page,
        "<li><b>{}</b></li></ol><div class=\"quiet\">{}</div></section>",
        prose(&run.message()),
        escape(&run.path.display().to_string())
    );
}

fn step(page: &mut String, step: &LoggedStep) {
    let took = step
        .took
        .map_or_else(String::new, |took| format!(" · {} ms", took.as_millis()));
    let kind = match (&step.failure, step.is_write) {
        (Some(_), _) => "wrong",
        (None, true) => "write",
        (None, false) => "read",
    };
    let failure = step.failure.as_deref().unwrap_or_default();
    let _ = writeln!(
        page,
        "<li class=\"{kind}\">{what} <span class=\"quiet\">+{after:.1} s{took}</span><div>{failure}</div></li>",
        what = prose(&step.what),
        after = step.after.as_secs_f64(),
        failure = prose(failure),
    );
}
