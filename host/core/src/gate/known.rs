//! What was read lately: facts that rules need and that need not be read again.

use jiff::{SignedDuration, Timestamp};

use crate::call::{Call, Reply};

/// How old a fact may be that is not read again.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// What was read lately.
#[derive(Default)]
pub(super) struct KnownFacts(Vec<KnownFact>);

/// A read that was answered.
struct KnownFact {
    call: Call,
    at: Timestamp,
    reply: Reply,
}

impl KnownFacts {
    /// Takes note of a call that was answered: a read is known for a while, a write makes what it may have changed unknown.
    pub(super) fn observe(&mut self, call: &Call, reply: &Reply, now: Timestamp) {
        if call.is_write() {
            if !matches!(call, Call::Note { .. }) {
                self.0.retain(|fact| !call.touches(&fact.call));
            }
            return;
        }
        match (call, reply) {
            (Call::GetEntities { keys }, Reply::Entities(entities)) => {
                for (key, entity) in keys.iter().zip(entities) {
                    let call = Call::GetEntity { key: key.clone() };
                    self.remember(call, Reply::Entity(entity.clone()), now);
                }
            }
            _ => self.remember(call.clone(), reply.clone(), now),
        }
    }

    fn remember(&mut self, call: Call, reply: Reply, at: Timestamp) {
        self.0.retain(|fact| fact.call != call);
        self.0.push(KnownFact { call, at, reply });
    }

    pub(super) fn recall(&self, call: &Call, now: Timestamp) -> Option<Reply> {
        let fact = self.0.iter().find(|fact| fact.call == *call)?;
        (now.duration_since(fact.at) <= FRESH).then(|| fact.reply.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Change, Entity, EntityKey};

    #[test]
    fn a_fact_is_known_for_ten_seconds_unless_a_write_may_have_changed_it() {
        let key = |identifier: &str| EntityKey {
            blueprint: "service".to_owned(),
            identifier: identifier.to_owned(),
        };
        let entity = |identifier: &str| Entity {
            key: key(identifier),
            title: None,
            teams: Vec::new(),
            properties: "{}".to_owned(),
            relations: Vec::new(),
            updated_at: None,
        };
        let read = |identifier: &str| Call::GetEntity {
            key: key(identifier),
        };
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let mut known = KnownFacts::default();
        // Read in company, known each.
        let keys = vec![key("web"), key("api")];
        let entities = Reply::Entities(vec![Some(entity("web")), None]);
        known.observe(&Call::GetEntities { keys }, &entities, at(0));
        for (identifier, reply) in [
            ("web", Reply::Entity(Some(entity("web")))),
            ("api", Reply::Entity(None)),
        ] {
            assert_eq!(known.recall(&read(identifier), at(10)), Some(reply));
            assert_eq!(known.recall(&read(identifier), at(11)), None);
        }
        assert_eq!(known.recall(&read("shop"), at(0)), None);
        // A newer answer takes the place of the older one.
        known.observe(&read("api"), &Reply::Entity(Some(entity("api"))), at(8));
        let newer = Some(Reply::Entity(Some(entity("api"))));
        assert_eq!(known.recall(&read("api"), at(18)), newer);
        let commit = Call::GetCommit {
            repository: "acme/gitops".to_owned(),
            revision: "main".to_owned(),
        };
        known.observe(&commit, &Reply::Commit(None), at(8));
        let change = Change {
            title: None,
            properties: None,
            relations: Vec::new(),
        };
        let update = Call::UpdateEntity {
            key: key("api"),
            change,
        };
        known.observe(&update, &Reply::Updated(entity("api")), at(9));
        assert_eq!(known.recall(&read("api"), at(9)), None);
        assert_eq!(known.recall(&commit, at(9)), Some(Reply::Commit(None)));
    }
}
