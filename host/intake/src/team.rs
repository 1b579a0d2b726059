//! `[[team]]`: which policy is asked for which service. Pure: what Port says of the service goes in, a rule comes out.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::component::ComponentRef;
use crate::config::PolicyConfig;
use promote_core::contract::Entity;
use promote_core::policy::PolicyTier;

/// One rule. The first that fits a service decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RuleFile")]
pub struct TeamRule {
    matches: TeamMatch,
    /// The policy of these services, in place of `[policy]`.
    pub policy: PolicyConfig,
    /// Whether the rule has a `tier` of its own.
    pub(super) has_tier: bool,
    /// Whether the rule names a component.
    pub(super) has_component: bool,
}

/// The rule as it is written: the keys of `[policy]`, with `match` beside them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    r#match: TeamMatch,
    component: Option<ComponentRef>,
    sha256: Option<String>,
    tier: Option<PolicyTier>,
    #[serde(default)]
    settings: toml::Table,
}

/// The condition on a service. Every key that is given must fit, one of its values each.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TeamMatch {
    team: WordList,
    owners: WordList,
    r#type: WordList,
    lifecycle: WordList,
    identifier: GlobList,
}

/// A text or several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "OneOrMore")]
struct WordList(Vec<String>);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "OneOrMore")]
struct GlobList(Vec<GlobMatcher>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The first rule that fits a service, by its place.
pub fn choose(rules: &[TeamRule], service: &Entity) -> Option<usize> {
    rules.iter().position(|rule| rule.matches.fits(service))
}

impl TeamRule {
    /// Takes over what the rule is silent about: the component and, for the same component, each setting. A bound is kept where it
    /// is not moved: a rule that says no `tier` shall not lift it.
    pub(super) fn inherit(&mut self, from: &PolicyConfig) {
        if !self.has_component {
            self.policy.component = from.component.clone();
            self.policy.sha256 = self.policy.sha256.take().or_else(|| from.sha256.clone());
        }
        if !self.has_tier {
            self.policy.tier = from.tier;
        }
        if self.policy.component == from.component {
            for (key, value) in &from.settings {
                let own = &mut self.policy.settings;
                own.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }

    /// Returns whether the rule asks for a team of the entity.
    pub fn names_teams(&self) -> bool {
        !self.matches.team.0.is_empty()
    }
}

impl TeamMatch {
    /// Whether nothing is asked of a service.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys().is_empty()
    }

    pub(crate) fn fits(&self, service: &Entity) -> bool {
        let properties: Map<String, Value> =
            serde_json::from_str(&service.properties).unwrap_or_default();
        let property = |name: &str, words: &WordList| {
            words.0.is_empty() || properties.get(name).is_some_and(|value| words.meet(value))
        };
        (self.team.0.is_empty() || self.team.0.iter().any(|team| service.teams.contains(team)))
            && (property("owners", &self.owners) || property("code_owners", &self.owners))
            && property("type", &self.r#type)
            && property("lifecycle", &self.lifecycle)
            && (self.identifier.0.is_empty()
                || self
                    .identifier
                    .0
                    .iter()
                    .any(|glob| glob.is_match(&service.key.identifier)))
    }

    /// The keys that are given, with their values.
    fn keys(&self) -> Vec<(&'static str, Vec<&str>)> {
        let words = [
            ("team", &self.team),
            ("owners", &self.owners),
            ("type", &self.r#type),
            ("lifecycle", &self.lifecycle),
        ];
        let words = words.map(|(key, words)| (key, words.0.iter().map(String::as_str).collect()));
        let globs = self
            .identifier
            .0
            .iter()
            .map(|glob| glob.glob().glob())
            .collect();
        let all = words.into_iter().chain([("identifier", globs)]);
        all.filter(|(_, values): &(_, Vec<&str>)| !values.is_empty())
            .collect()
    }
}

impl WordList {
    /// Whether a property is one of them, or a list that holds one of them.
    fn meet(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.0.contains(text),
            Value::Array(values) => values
                .iter()
                .any(|value| !value.is_array() && self.meet(value)),
            _ => false,
        }
    }
}

/// Returns the name of a rule, for people.
impl fmt::Display for TeamRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.matches.keys().into_iter();
        let said: Vec<String> = keys
            .map(|(key, values)| format!("{key} = {}", values.join(" | ")))
            .collect();
        f.write_str(&said.join(", "))
    }
}

impl TryFrom<RuleFile> for TeamRule {
    type Error = String;

    fn try_from(file: RuleFile) -> Result<Self, String> {
        let RuleFile {
            r#match: matches,
            component,
            sha256,
            tier,
            settings,
        } = file;
        if matches.keys().is_empty() {
            let keys = "`team`, `owners`, `type`, `lifecycle` or `identifier`";
            return Err(format!(
                "`match` is empty: name {keys}; what holds for every service stands in [policy]"
            ));
        }
        Ok(Self {
            matches,
            has_component: component.is_some(),
            policy: PolicyConfig {
                component: component.unwrap_or_default(),
                sha256,
                tier,
                settings,
            },
            has_tier: tier.is_some(),
        })
    }
}

impl TryFrom<OneOrMore> for WordList {
    type Error = &'static str;

    fn try_from(given: OneOrMore) -> Result<Self, &'static str> {
        match given {
            OneOrMore::One(word) => Ok(Self(vec![word])),
            OneOrMore::More(words) if words.is_empty() => {
                Err("the list is empty: it fits no service")
            }
            OneOrMore::More(words) => Ok(Self(words)),
        }
    }
}

impl TryFrom<OneOrMore> for GlobList {
    type Error = String;

    fn try_from(given: OneOrMore) -> Result<Self, String> {
        let glob = |text: String| {
            let glob = GlobBuilder::new(&text)
                .literal_separator(true)
                .backslash_escape(true)
                .build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))
        };
        WordList::try_from(given)?
            .0
            .into_iter()
            .map(glob)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::Config;
    use promote_core::contract::EntityKey;

    fn service(identifier: &str, teams: &[&str], properties: &str) -> Entity {
        Entity {
            key: EntityKey {
                blueprint: "service".to_owned(),
                identifier: identifier.to_owned(),
            },
            title: None,
            teams: teams.iter().map(|team| (*team).to_owned()).collect(),
            properties: properties.to_owned(),
            relations: Vec::new(),
            updated_at: None,
        }
    }

    fn fits(matches: &str, service: &Entity) -> bool {
        let text = format!("[[team]]\nmatch = {matches}\ncomponent = \"builtin\"");
        choose(&Config::parse(&text).unwrap().team, service).is_some()
    }

    #[test]
    fn a_rule_fits_by_what_port_says() {
        let web = service(
            "web-api",
            &["payments", "core"],
            r#"{ "type": "Backend", "lifecycle": "Production", "owners": ["ann", "bob"], "team": "evil", "identifier": "x" }"#,
        );
        let cases = [
            (r#"{ team = "payments" }"#, true),
            (r#"{ team = "pay" }"#, false),
            (r#"{ team = "Payments" }"#, false),
            (r#"{ team = "evil" }"#, false),
            (r#"{ team = ["sales", "core"] }"#, true),
            (r#"{ owners = "bob" }"#, true),
            (r#"{ owners = "carl" }"#, false),
            (r#"{ type = "Backend" }"#, true),
            (r#"{ type = "Backend", lifecycle = "Production" }"#, true),
            (r#"{ type = "Backend", lifecycle = "Sunset" }"#, false),
            (r#"{ team = "payments", identifier = "web-*" }"#, true),
            (r#"{ team = "sales", identifier = "web-*" }"#, false),
            (r#"{ identifier = "x" }"#, false),
            (r#"{ identifier = ["api-*", "*-api"] }"#, true),
            (r#"{ identifier = "web" }"#, false),
        ];
        for (matches, expected) in cases {
            assert_eq!(fits(matches, &web), expected, "{matches}");
        }
    }

    #[test]
    fn owners_are_found_under_the_name_of_ports_guide() {
        let web = service("web", &[], r#"{ "code_owners": ["ann", "bob"] }"#);
        assert!(fits(r#"{ owners = "bob" }"#, &web));
        assert!(!fits(r#"{ owners = "carl" }"#, &web));
    }

    #[test]
    fn what_is_not_set_or_no_text_fits_nothing() {
        let shapes = [
            "{}",
            "null",
            "",
            r#"{"type": null}"#,
            r#"{"type": 1}"#,
            r#"{"type": {"type": "a"}}"#,
        ];
        for properties in shapes
            .into_iter()
            .chain([r#"{"type": [["a"]]}"#, r#"{"type": "A"}"#])
        {
            assert!(
                !fits(r#"{ type = "a" }"#, &service("web", &[], properties)),
                "{properties}"
            );
        }
        assert!(!fits(r#"{ team = "" }"#, &service("web", &[], "{}")));
        // A slash is not part of a word, as in every other pattern of this file.
        assert!(!fits(
            r#"{ identifier = "web*" }"#,
            &service("web/evil", &[], "{}")
        ));
    }

    #[test]
    fn the_first_rule_decides() {
        let rule =
            |matches: &str| format!("[[team]]\nmatch = {matches}\ncomponent = \"builtin\"\n");
        let rules = [
            r#"{ team = "a" }"#,
            r#"{ identifier = "web" }"#,
            r#"{ team = "b" }"#,
        ]
        .map(rule)
        .concat();
        let rules = Config::parse(&rules).unwrap().team;
        let cases = [
            (vec!["b"], "web", Some(1)),
            (vec!["b", "a"], "web", Some(0)),
            (vec!["b"], "api", Some(2)),
        ];
        for (teams, identifier, expected) in cases.into_iter().chain([(vec![], "api", None)]) {
            assert_eq!(
                choose(&rules, &service(identifier, &teams, "{}")),
                expected,
                "{teams:?} {identifier}"
            );
        }
        assert_eq!(rules[1].to_string(), "identifier = web");
    }
}
