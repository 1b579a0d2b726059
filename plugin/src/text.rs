//! Text for people: title and body of the pull request, and the branch's name.
//!
//! What comes from Port, from git or from a person is put into code spans, where Markdown, mentions and closing keywords
//! mean nothing.

use serde_json::Value;

use crate::facts::{Facts, ImageProvenance};
use crate::gather::context;
use crate::host::Comparison;
use crate::settings::Settings;
use crate::template::render_with as render;
use crate::types::Request;

/// Most commits that are listed.
const COMMITS: usize = 30;

/// Most characters of a message.
const MESSAGE: usize = 2_000;

/// A message that ends.
pub fn cut(message: &str) -> String {
    match message.char_indices().nth(MESSAGE) {
        Some((end, _)) => format!("{} … (cut after {MESSAGE} characters)", &message[..end]),
        None => message.to_owned(),
    }
}

/// Foreign text as a Markdown code span of one line, safe in a table's cell.
pub fn code(text: &str) -> String {
    let shown: String = text
        .chars()
        .take(200)
        .map(|c| match c {
            '`' => '\'',
            '|' => '\u{a6}',
            c if c.is_control() || is_invisible(c) => ' ',
            c => c,
        })
        .collect();
    let cut = if text.chars().count() > 200 {
        "…"
    } else {
        ""
    };
    match shown.trim() {
        "" => "—".to_owned(),
        shown => format!("`{shown}{cut}`"),
    }
}

/// Characters that reorder or hide text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Foreign text for a title: letters, digits and what references are made of.
fn plain(text: &str) -> String {
    let keep = |c: &char| c.is_alphanumeric() || "._/:@ -".contains(*c);
    text.chars().filter(keep).take(160).collect()
}

/// The parts of texts.
#[derive(Clone, Copy, Debug)]
pub struct PullRequestText<'a> {
    /// The promoted image.
    pub facts: &'a Facts,
    /// The person who asked.
    pub request: &'a Request,
    /// The templates.
    pub settings: &'a Settings,
    /// The image's reference.
    pub image: &'a str,
}

impl PullRequestText<'_> {
    /// The title of the pull request and first line of the commit.
    pub fn title(&self) -> String {
        let own = render(&self.settings.title, &self.context(), plain)
            .ok()
            .filter(|title| !title.trim().is_empty());
        let title = own.unwrap_or_else(|| {
            let service = plain(&self.facts.service.key.identifier);
            format!(
                "Promote {service} to {}: {}",
                plain(&self.settings.environment),
                plain(self.image)
            )
        });
        let title = if self.facts.is_rollback {
            format!("Roll back: {title}")
        } else {
            title
        };
        title
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(200)
            .collect()
    }

    /// The body of the pull request: what changes, who asked, and the operator's own words.
    pub fn body(&self) -> String {
        let Self {
            facts,
            request,
            settings,
            ..
        } = self;
        let mut out = format!(
            "{} goes to {}.\n\n| manifest | property | from | to |\n|---|---|---|---|\n",
            code(&facts.service.key.identifier),
            code(&settings.environment),
        );
        for target in facts.sites.iter().filter(|target| !target.is_current()) {
            let row = [
                &facts.files[target.file].path,
                &target.shown,
                &target.site.value,
                &target.wanted,
            ];
            out.push_str(&format!("| {} |\n", row.map(|cell| code(cell)).join(" | ")));
        }
        out.push_str(&format!(
            "\nStarted by {} as Port run {}",
            code(facts.actor.as_deref().unwrap_or("")),
            self.port_run(),
        ));
        if let Some(url) = request.workflow.url.as_deref() {
            out.push_str(&format!(", workflow run {}", link(url)));
        }
        out.push_str(".\n");
        if let ImageProvenance::Known {
            repository,
            branch,
            commit,
            ..
        } = &facts.provenance
        {
            let built = [commit, branch, repository].map(|text| code(text));
            out.push_str(&format!(
                "Built from {} on {} of {}.\n",
                built[0], built[1], built[2]
            ));
        }
        if let Some(commits) = &facts.commits {
            out.push_str(&list(commits));
        }
        match render(&settings.body, &self.context(), code) {
            Ok(own) if own.trim().is_empty() => {}
            Ok(own) => out.push_str(&format!("\n{own}\n")),
            Err(what) => out.push_str(&format!(
                "\nThe setting {} could not be filled in: {}.\n",
                code("body"),
                code(&what)
            )),
        }
        out
    }

    /// The body of a pull request that puts the old image back.
    pub fn revert_body(&self, wrong: &str) -> String {
        let mut out = format!(
            "{} was promoted and is not well: {}.\n\n",
            code(self.image),
            code(wrong)
        );
        out.push_str("| manifest | property | from | to |\n|---|---|---|---|\n");
        for target in self
            .facts
            .sites
            .iter()
            .filter(|target| !target.is_current())
        {
            let path = &self.facts.files[target.file].path;
            let row = [path, &target.shown, &target.wanted, &target.site.value];
            out.push_str(&format!("| {} |\n", row.map(|cell| code(cell)).join(" | ")));
        }
        out.push_str(&format!(
            "\nProposed by Port run {}; a person merges it.\n",
            code(&self.request.run_id)
        ));
        out
    }

    /// The Port run, as a link if its identifier may stand in one.
    fn port_run(&self) -> String {
        let run = &self.request.run_id;
        let portal = self.settings.portal.trim_end_matches('/');
        let harmless = run
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        match !portal.is_empty() && harmless {
            true => format!(
                "{} ({})",
                code(run),
                link(&format!("{portal}/organization/run?runId={run}"))
            ),
            false => code(run),
        }
    }

    fn context(&self) -> Value {
        let facts = self.facts;
        let items = [
            ("service", Some(&facts.service)),
            ("staging", facts.staging.first()),
            ("production", facts.production.first()),
            ("image", facts.image.as_ref()),
        ];
        let mut context = context(self.request, &items);
        context["environment"] = self.settings.environment.clone().into();
        context["reference"] = self.image.into();
        context
    }
}

/// The commits between the two images, newest first.
fn list(commits: &Result<Comparison, String>) -> String {
    let between = match commits {
        Ok(between) => between,
        Err(what) => {
            return format!(
                "\nThe commits between the images could not be listed: {}.\n",
                code(what)
            );
        }
    };
    let mut out = format!("\n{} commit(s) come", between.ahead_by);
    if between.behind_by > 0 {
        out.push_str(&format!(", {} go", between.behind_by));
    }
    out.push_str(&format!(": {}\n", link(&between.url)));
    if !between.commits.is_empty() {
        out.push_str("\n| commit | | by |\n|---|---|---|\n");
    }
    for commit in between.commits.iter().rev().take(COMMITS) {
        let id: String = commit.id.chars().take(10).collect();
        let row = [
            id.as_str(),
            commit.message.lines().next().unwrap_or_default(),
            commit.author.as_str(),
        ];
        out.push_str(&format!("| {} |\n", row.map(code).join(" | ")));
    }
    if between.commits.len() > COMMITS {
        out.push_str(&format!("\nand {} more\n", between.commits.len() - COMMITS));
    }
    out
}

/// An address as a link if it is a plain one, else as code.
fn link(url: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/?=&%#".contains(c);
    if url.starts_with("https://") && url.chars().all(harmless) {
        format!("<{url}>")
    } else {
        code(url)
    }
}

/// The branch of a promotion: the same one for the same service, environment and image, whenever it is asked.
pub fn branch(service: &str, environment: &str, image: &str) -> String {
    let hash = short_hash(&[service, environment, image]);
    // The end of a reference, with the tag, is what tells images apart.
    let tail = image.rsplit('/').next().unwrap_or(image);
    format!("{}/{}-{hash}", folder(service, environment), slug(tail))
}

/// The branch of a run that goes back: which image that is, the run itself has changed when it is asked again.
pub fn rollback_branch(service: &str, environment: &str, run: &str) -> String {
    format!(
        "{}/rollback-{}",
        folder(service, environment),
        short_hash(&[service, environment, run])
    )
}

/// Where the branches of a service and an environment are.
pub fn folder(service: &str, environment: &str) -> String {
    format!("promote/{}/{}", slug(service), slug(environment))
}

/// Lowercase letters, digits, dots and hyphens, as Git and people like them.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(48) {
        let c = c.to_ascii_lowercase();
        let fits = c.is_ascii_alphanumeric()
            || (c == '.' && !out.ends_with(['.', '-']) && !out.is_empty());
        match (fits, out.ends_with('-')) {
            (true, _) => out.push(c),
            (false, false) if !out.is_empty() => out.push('-'),
            (false, _) => {}
        }
    }
    let trimmed = out.trim_end_matches(['.', '-']).trim_end_matches(".lock");
    if trimmed.is_empty() {
        "x".to_owned()
    } else {
        trimmed.to_owned()
    }
}

/// FNV-1a, 10 hex digits: keeps names apart whose slugs coincide, and is no protection against anybody.
fn short_hash(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{:010x}", hash >> 24)
}
