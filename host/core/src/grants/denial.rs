//! The words for a call that is not granted: its target, and a grant that would allow it.

use std::fmt;

use crate::contract::Change;
use crate::grants::{CallTarget, Operation};
use crate::image::ImageAddress;

/// The words for a call that no grant allows.
pub(crate) fn describe(operation: Operation, target: &CallTarget<'_>) -> String {
    let remedy = remedy(operation, target);
    format!("{} on {target} is not granted; {remedy}", operation.name())
}

/// For people; the parts are the policy's text and not neutralised.
impl fmt::Display for CallTarget<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => to.write_str("the Port run"),
            Self::Entity {
                blueprint,
                identifier,
                change,
            } => {
                write!(to, "{blueprint}/{}", identifier.unwrap_or("*"))?;
                change.map_or(Ok(()), |change| write!(to, " ({})", changed(change)))
            }
            Self::Image { reference } => to.write_str(reference),
            Self::Repository(at) => {
                to.write_str(at.repository)?;
                at.number.map_or(Ok(()), |number| write!(to, "#{number}"))?;
                at.paths.iter().try_for_each(|path| write!(to, " {path}"))?;
                at.head.map_or(Ok(()), |head| write!(to, " from {head}"))?;
                at.base.map_or(Ok(()), |base| write!(to, " to {base}"))
            }
        }
    }
}

fn changed(change: &Change) -> String {
    let mut parts: Vec<String> = change
        .relations
        .iter()
        .map(|r| format!("relation {}", r.name))
        .collect();
    parts.extend(change.title.iter().map(|_| "title".to_owned()));
    parts.extend(
        change
            .properties
            .iter()
            .map(|properties| format!("properties {properties}")),
    );
    parts.join(", ")
}

fn remedy(operation: Operation, target: &CallTarget<'_>) -> String {
    let mut fields = vec![format!("allow = [\"{}\"]", operation.name())];
    match target {
        CallTarget::Run => {}
        CallTarget::Image { reference } => {
            let name = ImageAddress::parse(reference).map(|address| address.name());
            fields.push(format!("image = {:?}", name.unwrap_or_default()));
        }
        CallTarget::Entity {
            blueprint,
            identifier,
            change,
        } => {
            fields.push(format!("blueprint = {blueprint:?}"));
            fields.extend(identifier.map(|id| format!("entity = {id:?}")));
            let relations: Vec<&String> = change
                .iter()
                .flat_map(|c| &c.relations)
                .map(|r| &r.name)
                .collect();
            if !relations.is_empty() {
                fields.push(format!("relations = {relations:?}"));
            }
        }
        CallTarget::Repository(at) => {
            fields.push(format!("repository = {:?}", at.repository));
            if !at.paths.is_empty() {
                fields.push(format!("path = {:?}", at.paths));
            }
            fields.extend(at.head.map(|branch| format!("head = {branch:?}")));
            fields.extend(at.base.map(|branch| format!("base = {branch:?}")));
        }
    }
    format!(
        "if the policy needs it, the operator can add a grant with {}",
        fields.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_grant_that_would_allow_it() {
        let target = CallTarget::Entity {
            blueprint: "image",
            identifier: Some("web-2"),
            change: None,
        };
        assert_eq!(
            describe(Operation::GetEntity, &target),
            "port.get-entity on image/web-2 is not granted; if the policy needs it, the operator can add a grant with \
             allow = [\"port.get-entity\"], blueprint = \"image\", entity = \"web-2\""
        );
    }
}
