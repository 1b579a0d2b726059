//! Asks for files, branches and entities by names that mean something else to a lenient reader, and says what came back.

#![allow(clippy::print_stdout, reason = "to be heard by the test")]

use contract::promote::policy::{github_propose, github_read, port_read};
use contract::{EntityKey, Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

/// Each names `apps/web/staging/deployment.yaml` or more for somebody.
const PATHS: [&str; 11] = [
    "../secrets.yaml",
    "apps/web/prod/../staging/deployment.yaml",
    "apps/web/prod/..%2fstaging/deployment.yaml",
    "apps/web/prod/%2e%2e/staging/deployment.yaml",
    "apps/web/prod/..\\staging/deployment.yaml",
    "apps/web/prod/./deployment.yaml",
    "apps/web/prod//deployment.yaml",
    "/apps/web/prod/deployment.yaml",
    "apps/web/prod/deployment.yaml\0.yaml",
    ".git/config",
    "",
];

const BRANCHES: [&str; 5] =
    ["main", "promote/../main", "promote/%2e%2e/main", "promote//main", "promote/x:refs/heads/main"];

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        let mut answers = Vec::new();
        for path in PATHS {
            let file = github_read::read_file(steps::REPOSITORY, path, "main");
            answers.push(word(&file.map(|file| file.is_some())));
        }
        for identifier in ["../../service/entities/web", "..", "web-1.4.1/../web-1.4.2"] {
            let key = EntityKey { blueprint: "image".to_owned(), identifier: identifier.to_owned() };
            answers.push(word(&port_read::get_entity(&key).map(|entity| entity.is_some())));
        }
        for branch in BRANCHES {
            let deleted = github_propose::delete_branch(steps::REPOSITORY, branch);
            answers.push(word(&deleted.map(|()| true)));
        }
        println!("{}", answers.join(" "));
        steps::refused("looked around")
    }
}

fn word(answer: &Result<bool, Failure>) -> &'static str {
    match answer {
        Ok(true) => "yes",
        Ok(false) => "none",
        Err(Failure::Denied(_)) => "denied",
        Err(_) => "failed",
    }
}
