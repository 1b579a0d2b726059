//! The people of the organisation (Port API reference, "Get all users in your organization").

use serde_json::{Value, json};

use super::Port;
use super::answer::{PortReply, PortResult};

/// A person of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganisationUser {
    /// Port's identifier, by which runs and entities name who made them.
    pub id: String,
    /// The address.
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
}

impl Port {
    /// `GET /v1/users`: everybody, in no order; each as the message of a run shows who started it.
    pub(super) fn list_users(&self) -> PortResult {
        let users: Vec<Value> = self.users.iter().map(OrganisationUser::json).collect();
        Ok(PortReply::ok(json!({"ok": true, "users": users})))
    }
}

impl OrganisationUser {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "email": self.email, "firstName": self.first_name, "lastName": self.last_name,
            "status": "ACTIVE", "providers": [],
        })
    }
}
