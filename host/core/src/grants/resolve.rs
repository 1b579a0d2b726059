//! Grants filled in from one request, and the question whether a call is allowed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::contract::Change;
use crate::grants::pattern::{
    GrantPattern, compile, fill, fill_patterns, is_branch, is_normal_path,
};
use crate::grants::{
    CallTarget, ChangeScope, Grant, Grants, Operation, RepositoryTarget, Template,
};
use crate::id::{BranchFile, EntityId};
use crate::image::ImageAddress;
use crate::journal::GrantRecord;

/// The branches that are our own unless a grant says otherwise.
const OWN_BRANCHES: &str = "promote/**";

/// The grants of one run.
#[derive(Debug, Default)]
pub struct ResolvedGrants(Vec<ResolvedGrant>, Option<Box<Self>>);

/// A grant with its templates filled in.
#[derive(Debug)]
struct ResolvedGrant {
    grant: Grant,
    paths: Vec<GrantPattern>,
    heads: Vec<GrantPattern>,
    bases: Vec<String>,
    entities: Vec<String>,
    /// The files that are evidence for an update.
    evidence: Vec<GrantPattern>,
    images: Vec<GrantPattern>,
}

/// A grant under which a call may be made, if the conditions hold that it sets.
#[derive(Clone, Copy, Debug)]
pub struct Permission<'a>(&'a ResolvedGrant);

/// Two permissions of one run are equal if their grants say the same.
impl PartialEq for Permission<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.grant == other.0.grant
    }
}

impl ResolvedGrants {
    /// Fills in the grants from a request: `service` (the subject, as read from Port), `inputs`, `run`.
    ///
    /// A grant whose template names something that this request has not got allows nothing: it is left out.
    ///
    /// # Errors
    /// When a pattern is not a glob.
    pub fn new(grants: &Grants, context: &Value) -> Result<Self, String> {
        let mut resolved = Vec::new();
        for (grant, number) in grants.0.iter().zip(1..) {
            let one = ResolvedGrant::new(grant, context);
            resolved.extend(one.map_err(|what| format!("grant {number}: {what}"))?);
        }
        Ok(Self(resolved, None))
    }

    /// Narrows the grants by an upper bound: a call needs a grant of both, and what it may change is what both let it change.
    #[must_use]
    pub fn within(self, bound: Self) -> Self {
        Self(self.0, Some(Box::new(bound)))
    }

    /// Returns whether an upper bound narrows the grants.
    pub fn is_bounded(&self) -> bool {
        self.1.is_some()
    }

    /// Checks, before anything is done, that each update that waits for a merge knows which file proves it: when it is asked
    /// for, the policy has merged.
    ///
    /// # Errors
    /// Names the grant, and what to add to it.
    pub fn check_evidence(&self, grants: &Grants) -> Result<(), String> {
        for one in &self.0 {
            let is_ambiguous = one.grant.after_merge
                && !one.grant.relations.is_empty()
                && self.evidence_files(Permission(one)).is_none();
            if !is_ambiguous {
                continue;
            }
            let number = grants.0.iter().position(|grant| *grant == one.grant);
            let number = number.map_or(0, |at| at + 1);
            let files: BTreeSet<String> = self
                .proposable()
                .into_iter()
                .map(|(repository, path)| format!("`{path}` of {repository}"))
                .collect();
            let files: Vec<String> = files.into_iter().collect();
            let entities: BTreeSet<&str> = one.entities.iter().map(String::as_str).collect();
            let entities: Vec<&str> = entities.into_iter().collect();
            return Err(format!(
                "grant {number}: `after = \"merge\"` cannot tell which file proves an update, since {} may be proposed: \
                 name the files that say what {} runs, `in = \"…\"`",
                files.join(" and "),
                entities.join(", ")
            ));
        }
        Ok(())
    }

    /// Returns the files that may be proposed: repository and pattern, each pair once.
    fn proposable(&self) -> BTreeSet<(&str, &str)> {
        let proposals = self
            .0
            .iter()
            .filter(|one| one.grant.covers(Operation::Propose));
        proposals
            .flat_map(|one| {
                let repositories = one.grant.repository.iter();
                repositories.flat_map(|repository| {
                    let paths = one.paths.iter().map(|path| path.text());
                    paths.map(|path| (repository.as_str(), path))
                })
            })
            .collect()
    }

    /// Returns the grants under which the call may be made on this target: any one of them is enough, so that a grant more
    /// never denies what was allowed.
    /// None if there is no such grant, never an empty list.
    pub fn allow(
        &self,
        operation: Operation,
        target: &CallTarget<'_>,
    ) -> Option<Vec<Permission<'_>>> {
        let allowed: Vec<Permission<'_>> = self
            .0
            .iter()
            .filter(|one| one.grant.covers(operation) && one.matches(operation, target))
            .map(Permission)
            .collect();
        let allowed = match &self.1 {
            Some(bound) => {
                let most = bound.allow(operation, target)?;
                allowed
                    .into_iter()
                    .filter(|one| most.iter().any(|most| one.is_within(operation, *most)))
                    .collect()
            }
            None => allowed,
        };
        (!allowed.is_empty()).then_some(allowed)
    }

    /// Returns the grants as a journal holds them.
    pub fn records(&self) -> Vec<GrantRecord> {
        self.0.iter().map(ResolvedGrant::record).collect()
    }

    /// Returns whether a file is one that may be proposed to this branch: such a file tells what production runs.
    pub fn governs(&self, file: &BranchFile) -> bool {
        let target = CallTarget::Repository(RepositoryTarget {
            repository: file.repository.as_str(),
            paths: vec![file.path.as_str()],
            base: Some(file.branch.as_str()),
            ..RepositoryTarget::default()
        });
        self.allow(Operation::Propose, &target).is_some()
    }

    /// Returns the grants to update an entity that ask for a merge before.
    pub(crate) fn updates_after_merge(&self) -> impl Iterator<Item = Permission<'_>> {
        let updates = self
            .0
            .iter()
            .filter(|one| one.grant.after_merge && one.grant.covers(Operation::UpdateEntity));
        updates.map(Permission)
    }

    /// Returns the keys whose values tell which image a file holds: those that proposals may change.
    pub fn value_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self
            .0
            .iter()
            .filter(|one| one.grant.covers(Operation::Propose))
            .flat_map(|one| one.grant.value_keys())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Returns the test for files that are evidence for an update: those that its grant names, else the files of the only
    /// pattern that may be proposed. None if there are several, for which of them proves it is not said.
    pub fn evidence_files<'a>(
        &'a self,
        update: Permission<'a>,
    ) -> Option<impl Fn(&BranchFile) -> bool + use<'a>> {
        let named = &update.0.evidence;
        if named.is_empty() && self.proposable().len() > 1 {
            return None;
        }
        Some(move |file: &BranchFile| {
            let is_named =
                named.is_empty() || named.iter().any(|glob| glob.is_match(file.path.as_str()));
            is_named && self.governs(file)
        })
    }
}

impl<'a> Permission<'a> {
    /// Returns whether this lets a call do no more than the other does, and under no easier condition.
    fn is_within(self, operation: Operation, most: Permission<'_>) -> bool {
        let (own, most) = (&self.0.grant, &most.0.grant);
        match operation {
            Operation::Propose => {
                let keys = most.value_keys();
                own.changes <= most.changes && own.value_keys().iter().all(|key| keys.contains(key))
            }
            Operation::UpdateEntity => {
                (own.after_merge || !most.after_merge)
                    && (most.holds.is_none() || own.holds == most.holds)
                    && (most.evidence.is_empty() || own.evidence == most.evidence)
                    && (most.target.is_none() || own.target == most.target)
            }
            _ => true,
        }
    }

    /// Returns the keys whose values a proposal may change.
    pub fn value_keys(self) -> Vec<&'a str> {
        self.0.grant.value_keys()
    }

    /// Returns how much of a file a proposal may change.
    pub fn changes(self) -> ChangeScope {
        self.0.grant.changes
    }

    /// Returns whether an update must wait until the base branch holds what the catalog is going to name.
    pub fn demands_merge(self) -> bool {
        self.0.grant.after_merge
    }

    /// Returns the template of the text that the base branch must hold, over the entity that a relation points at.
    pub fn holds(self) -> Option<&'a Template> {
        self.0.grant.holds.as_ref()
    }

    /// Returns the blueprint of the entities that a relation points at, if the grant names it.
    pub fn target_blueprint(self) -> Option<&'a str> {
        self.0.grant.target.as_deref()
    }

    /// Returns the blueprints of the entities that a granted relation may point at.
    pub(crate) fn target_blueprints(self) -> Vec<&'a str> {
        match self.target_blueprint() {
            Some(blueprint) => vec![blueprint],
            None => self.0.grant.relations.iter().map(String::as_str).collect(),
        }
    }

    /// Returns the entities that may be updated.
    pub(crate) fn updated(self) -> Vec<EntityId> {
        let ids = self.0.entities.iter().flat_map(|identifier| {
            self.0.grant.blueprint.iter().map(|blueprint| EntityId {
                blueprint: blueprint.clone(),
                identifier: identifier.clone(),
            })
        });
        ids.collect()
    }

    /// Checks that each label is granted by name.
    ///
    /// # Errors
    /// Names the first one that is not.
    pub fn check_labels(self, labels: &[String]) -> Result<(), String> {
        check_names("labels", &self.0.grant.labels, labels)
    }

    /// Checks that each person and each team is granted by name.
    ///
    /// # Errors
    /// Names the first one that is not.
    pub fn check_reviewers(self, users: &[String], teams: &[String]) -> Result<(), String> {
        check_names("reviewers", &self.0.grant.reviewers, users)?;
        check_names("teams", &self.0.grant.teams, teams)
    }
}

fn check_names(field: &str, granted: &[String], asked: &[String]) -> Result<(), String> {
    match asked.iter().find(|name| !granted.contains(name)) {
        None => Ok(()),
        Some(name) => Err(format!(
            "github.decorate: {name:?} is not among the {field} of the grant; \
             if the policy needs it, the operator can add {field} = [{name:?}]"
        )),
    }
}

impl ResolvedGrant {
    /// Fills in a grant; none if a template names something that the request has not got.
    fn new(grant: &Grant, context: &Value) -> Result<Option<Self>, String> {
        let own_branches = [Template::parse(OWN_BRANCHES).map_err(|e| e.to_string())?];
        let heads = match grant.head.as_slice() {
            [] => &own_branches[..],
            heads => heads,
        };
        let filled = (
            fill_patterns(&grant.path, context),
            fill_patterns(heads, context),
            fill_patterns(&grant.evidence, context),
            fill_patterns(&grant.image, context),
            fill(&grant.base, context, str::to_owned),
            fill(&grant.entity, context, str::to_owned),
        );
        let (Some(paths), Some(heads), Some(evidence), Some(images), Some(bases), Some(entities)) =
            filled
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            grant: grant.clone(),
            paths: compile(&paths)?,
            heads: compile(&heads)?,
            evidence: compile(&evidence)?,
            images: compile(&images)?,
            bases,
            entities,
        }))
    }

    fn record(&self) -> GrantRecord {
        let is_github = self
            .grant
            .allow
            .iter()
            .any(|operation| operation.is_github());
        let texts = |patterns: &[GrantPattern]| -> Vec<String> {
            patterns
                .iter()
                .map(|pattern| pattern.text().to_owned())
                .collect()
        };
        let fields = self.grant.properties.iter().chain(&self.grant.relations);
        GrantRecord {
            allow: self
                .grant
                .allow
                .iter()
                .map(|operation| operation.name().to_owned())
                .collect(),
            repository: self.grant.repository.clone(),
            path: texts(&self.paths),
            base: self.bases.clone(),
            head: if is_github {
                texts(&self.heads)
            } else {
                Vec::new()
            },
            image: texts(&self.images),
            blueprint: self.grant.blueprint.clone(),
            entity: self.entities.clone(),
            fields: fields.cloned().collect(),
        }
    }

    fn matches(&self, operation: Operation, target: &CallTarget<'_>) -> bool {
        match target {
            CallTarget::Run => true,
            CallTarget::Entity {
                blueprint,
                identifier,
                change,
            } => self.matches_entity(blueprint, *identifier, *change),
            CallTarget::Image { reference } => {
                ImageAddress::parse(reference).is_ok_and(|address| {
                    let name = address.name();
                    self.images.iter().any(|glob| glob.is_match(&name))
                })
            }
            CallTarget::Repository(at) => {
                let reads_any = operation == Operation::ReadFile && self.paths.is_empty();
                self.grant
                    .repository
                    .iter()
                    .any(|name| name == at.repository)
                    && at.paths.iter().all(|path| {
                        is_normal_path(path)
                            && (reads_any || self.paths.iter().any(|glob| glob.is_match(path)))
                    })
                    && at.head.is_none_or(|head| {
                        is_branch(head) && self.heads.iter().any(|glob| glob.is_match(head))
                    })
                    && at
                        .base
                        .is_none_or(|base| self.bases.iter().any(|name| name == base))
            }
        }
    }

    fn matches_entity(
        &self,
        blueprint: &str,
        identifier: Option<&str>,
        change: Option<&Change>,
    ) -> bool {
        // A grant that names no entity allows to read each, and to change none.
        let reads_all = self.entities.is_empty() && change.is_none();
        // A search reads every entity of its blueprint, so a grant for some of them is none for it.
        if identifier.is_none() && !self.entities.is_empty() {
            return false;
        }
        self.grant.blueprint.iter().any(|name| name == blueprint)
            && identifier
                .is_none_or(|id| reads_all || self.entities.iter().any(|entity| entity == id))
            && change.is_none_or(|change| self.covers_change(change))
    }

    fn covers_change(&self, change: &Change) -> bool {
        // A title is not a property, and nothing grants it.
        if change.title.is_some() {
            return false;
        }
        let properties = change.properties.as_deref().unwrap_or("{}");
        let Ok(properties) = serde_json::from_str::<Map<String, Value>>(properties) else {
            return false;
        };
        properties
            .keys()
            .all(|name| self.grant.properties.contains(name))
            && change
                .relations
                .iter()
                .all(|relation| self.grant.relations.contains(&relation.name))
    }
}
