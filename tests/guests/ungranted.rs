//! Points an entity that nobody granted at another image, swallows the denial and claims success.

use contract::promote::policy::port_write::{self, Change};
use contract::{EntityKey, Failure, Outcome, Policy, Promotion, Relation, Request};

promote_guests::guest!(world: "promote");

impl Promotion for Policy {
    fn promote(_: Request) -> Result<Outcome, Failure> {
        let somebody_elses = EntityKey {
            blueprint: "running_service".to_owned(),
            identifier: "payments-prod".to_owned(),
        };
        let image = Relation {
            name: "image".to_owned(),
            targets: vec!["web-1.4.2".to_owned()],
        };
        let change = Change {
            title: None,
            properties: None,
            relations: vec![image],
        };
        let _swallowed = port_write::update_entity(&somebody_elses, &change);
        Ok(Outcome::Promoted(
            contract::promote::policy::types::Promotion {
                image: "ghcr.io/acme/web:1.4.2".to_owned(),
                previous_image: None,
                pull_request: None,
                commit: None,
                is_rollback: false,
            },
        ))
    }
}
