//! Tries one door that is not its own: its setting `deed` says which kind, `text` the name that it tries there. Denied,
//! it swallows that, tries to write all the same and claims success, or says quietly that there was nothing to do; otherwise it
//! says what came back.

use contract::promote::policy::github_merge;
use contract::promote::policy::github_propose::{self, FileChange, Proposal};
use contract::promote::policy::github_read::{self, MergeMethod, PullFilter, PullRequest};
use contract::promote::policy::port_read;
use contract::promote::policy::port_write::{self, Change};
use contract::{Entity, EntityKey, Failure, Outcome, Policy, Promotion, Relation, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

const IMAGE: &str = "ghcr.io/acme/web:1.4.2";

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let order: serde_json::Value = serde_json::from_str(&request.settings).unwrap_or_default();
        let set = |name: &str| order[name].as_str().unwrap_or_default();
        let (deed, text) = (set("deed"), set("text"));
        let answer = read(deed, text)
            .or_else(|| propose(deed, text))
            .or_else(|| record(deed, text));
        match answer.or_else(|| decorate(deed, text)) {
            None => steps::refused(format!("knows no {deed}")),
            Some(Err(Failure::Denied(_))) if deed.ends_with("quietly") => steps::unchanged(IMAGE),
            Some(Err(Failure::Denied(_))) => {
                let _swallowed = steps::propose_image();
                let _swallowed = steps::record("web-1.4.2");
                steps::promoted(IMAGE)
            }
            Some(Err(failure)) => steps::refused(failure.to_string()),
            Some(Ok(answer)) => steps::refused(format!("came in: {answer}")),
        }
    }
}

type Answer = Option<Result<String, Failure>>;

fn some<T>(answer: Result<Option<T>, Failure>) -> Answer {
    Some(answer.map(|found| {
        if found.is_some() {
            "something"
        } else {
            "nothing"
        }
        .to_owned()
    }))
}

fn done<T>(answer: Result<T, Failure>) -> Answer {
    Some(answer.map(|_| "done".to_owned()))
}

fn read(deed: &str, text: &str) -> Answer {
    match deed {
        "read path" => some(github_read::read_file(steps::REPOSITORY, text, "main")),
        "read repository" => some(github_read::read_file(text, steps::MANIFEST, "main")),
        "read revision" => some(github_read::read_file(
            steps::REPOSITORY,
            steps::MANIFEST,
            text,
        )),
        "read commit" => some(github_read::get_commit(steps::REPOSITORY, text)),
        "compare" => done(github_read::compare(steps::REPOSITORY, "main", text)),
        "find pulls" => done(github_read::find_pull_requests(
            steps::REPOSITORY,
            text,
            "main",
            PullFilter::Any,
        )),
        "read entity" => some(port_read::get_entity(&key("image", text))),
        "read blueprint" => some(port_read::get_entity(&key(text, "web"))),
        "search" => done(port_read::search("service", text)),
        _ => None,
    }
}

fn key(blueprint: &str, identifier: &str) -> EntityKey {
    EntityKey {
        blueprint: blueprint.to_owned(),
        identifier: identifier.to_owned(),
    }
}

/// The right proposal, but for one thing.
fn propose(deed: &str, text: &str) -> Answer {
    let with = |change: fn(&mut Proposal, String)| {
        let file = match steps::manifest() {
            Ok(file) => file,
            Err(failure) => return Some(Err(failure)),
        };
        let content = file.content.replace("web:1.4.1", "web:1.4.2");
        let mut proposal = Proposal {
            repository: steps::REPOSITORY.to_owned(),
            base: "main".to_owned(),
            base_commit: file.commit,
            head: steps::BRANCH.to_owned(),
            title: "A guest's proposal".to_owned(),
            body: String::new(),
            changes: vec![FileChange {
                path: file.path,
                content,
                expected_blob: file.blob,
            }],
            image: None,
        };
        change(&mut proposal, text.to_owned());
        done(github_propose::propose(&proposal))
    };
    match deed {
        "propose path" => with(|proposal, text| proposal.changes[0].path = text),
        "propose beside" => with(|proposal, text| {
            let beside = FileChange {
                path: text,
                ..proposal.changes[0].clone()
            };
            proposal.changes.push(beside);
        }),
        "propose scale" | "propose scale quietly" => with(|proposal, text| {
            let content = &mut proposal.changes[0].content;
            *content = content.replace("replicas: 3", &format!("replicas: {text}"));
        }),
        "propose image" | "propose image quietly" => with(|proposal, text| {
            let content = &mut proposal.changes[0].content;
            *content = content.replace(IMAGE, &text);
        }),
        "propose content" => with(|proposal, text| proposal.changes[0].content.push_str(&text)),
        "propose unread" => with(|proposal, text| proposal.changes[0].expected_blob = text),
        "propose to" => with(|proposal, text| proposal.base = text),
        "propose from" => with(|proposal, text| proposal.head = text),
        "propose in" => with(|proposal, text| proposal.repository = text),
        "propose at" => with(|proposal, text| proposal.base_commit = text),
        "propose on" => {
            let built = || -> Result<PullRequest, Failure> {
                let file = github_read::read_file(steps::REPOSITORY, steps::MANIFEST, text)?
                    .ok_or_else(|| Failure::NotFound(text.to_owned()))?;
                let content = file.content.replace("web:1.4.1", "web:1.4.2");
                steps::propose(&file, content)
            };
            done(built())
        }
        "delete branch" => done(github_propose::delete_branch(steps::REPOSITORY, text)),
        _ => None,
    }
}

/// An update of the catalog after the right merge, so that only its own content is against it.
fn record(deed: &str, text: &str) -> Answer {
    let image = || Relation {
        name: "image".to_owned(),
        targets: vec!["web-1.4.2".to_owned()],
    };
    let relation = |name: &str, targets: &[&str]| Relation {
        name: name.to_owned(),
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
    };
    let (mut title, mut properties, mut relations, mut at) =
        (None, None, vec![image()], "web-prod");
    match deed {
        "record entity" => at = text,
        "record title" => title = Some(text.to_owned()),
        "record properties" => properties = Some(text.to_owned()),
        "record relation" => relations.push(relation(text, &["web-1.4.2"])),
        // What the catalog says already is read first, so that the gate knows it.
        "record among" => {
            let targets: Vec<&str> = text.split(',').collect();
            relations = vec![relation("image", &targets)];
        }
        "record two" => relations = vec![relation("image", &["web-1.4.2", text])],
        "record twice" => relations.push(relation("image", &[text])),
        "record image" => relations = vec![relation("image", &[text])],
        "record nothing" => relations = vec![relation("image", &[])],
        _ => return None,
    }
    let change = Change {
        title,
        properties,
        relations,
    };
    let merged = || -> Result<Entity, Failure> {
        steps::look_up("web-1.4.2")?;
        steps::look_up("web-1.4.1")?;
        if deed == "record among" {
            port_read::get_entity(&key("running_service", at))?;
        }
        steps::merge(&steps::propose_image()?)?;
        port_write::update_entity(&key("running_service", at), &change)
    };
    done(merged())
}

fn decorate(deed: &str, text: &str) -> Answer {
    let number: u32 = text.parse().unwrap_or(1);
    let own = || steps::propose_image().map(|pull| pull.number);
    match deed {
        "comment" => done(github_propose::comment(
            steps::REPOSITORY,
            number,
            "guest",
            "hello",
        )),
        "label" => done(github_propose::add_labels(
            steps::REPOSITORY,
            number,
            &["hello".to_owned()],
        )),
        "close" => done(github_propose::close_pull_request(
            steps::REPOSITORY,
            number,
        )),
        "mark" => done(
            own().and_then(|number| github_propose::comment(steps::REPOSITORY, number, text, "x")),
        ),
        "review" => done(own().and_then(|number| {
            github_propose::request_reviewers(steps::REPOSITORY, number, &[text.to_owned()], &[])
        })),
        "merge in" => done(
            own().and_then(|number| github_merge::merge(text, number, "0", MergeMethod::Squash)),
        ),
        "merge at" => done(own().and_then(|number| {
            github_merge::merge(steps::REPOSITORY, number, text, MergeMethod::Squash)
        })),
        "merge number" => done(steps::propose_image().and_then(|pull| {
            github_merge::merge(
                steps::REPOSITORY,
                number,
                &pull.head_commit,
                MergeMethod::Merge,
            )
        })),
        "merge when ready" => done(steps::propose_image().and_then(|pull| {
            github_merge::merge_when_ready(
                steps::REPOSITORY,
                number,
                &pull.head_commit,
                MergeMethod::Merge,
            )
        })),
        _ => None,
    }
}
