//! `defaults.toml`: the world and the configuration that all scenarios of a folder start from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::DeTable;

use super::error::{ScenarioError, ScenarioText};
use super::form::{ConfigFile, GivenFile, ScenarioFile};
use super::lay::{ListRule, lay};

/// The file's name.
pub const FILE: &str = "defaults.toml";

/// The text of the file that lies beside a scenario.
pub(super) struct DefaultsText {
    path: PathBuf,
    text: String,
}

/// The tables of the file, which a scenario's own are laid over.
#[derive(Default)]
pub(super) struct FolderDefaults<'t> {
    given: DeTable<'t>,
    config: DeTable<'t>,
    file: DefaultsFile,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DefaultsFile {
    given: GivenFile,
    config: ConfigFile,
}

/// Reads the file beside a scenario; none if there is none.
pub(super) fn read(scenario: &Path) -> Result<Option<DefaultsText>, ScenarioError> {
    let path = scenario.with_file_name(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(DefaultsText { path, text })),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) => Err(ScenarioError::Read { path, why }),
    }
}

/// Takes the file apart.
pub(super) fn parse(defaults: &DefaultsText) -> Result<FolderDefaults<'_>, ScenarioError> {
    let source = ScenarioText {
        path: &defaults.path,
        text: &defaults.text,
    };
    let whole = DeTable::parse(&defaults.text).map_err(|error| source.syntax(&error))?;
    let table = |name| {
        let table = whole.get_ref().get(name);
        let table = table.and_then(|table| table.get_ref().as_table());
        table.cloned().unwrap_or_default()
    };
    let (given, config) = (table("given"), table("config"));
    let file = DefaultsFile::deserialize(toml::Deserializer::from(whole.clone()))
        .map_err(|error| source.syntax(&error))?;
    Ok(FolderDefaults {
        given,
        config,
        file,
    })
}

impl<'t> FolderDefaults<'t> {
    /// Lays the tables of a scenario over these. What names a file is the scenario's, if it names one.
    pub(super) fn under(
        self,
        scenario: &mut ScenarioFile,
        own: [DeTable<'t>; 2],
    ) -> [DeTable<'t>; 2] {
        let Self {
            mut given,
            mut config,
            file,
        } = self;
        let [own_given, own_config] = own;
        lay(own_given, &mut given, ListRule::Join);
        lay(own_config, &mut config, ListRule::Replace);
        if scenario.given.world.is_none() {
            scenario.given.world = file.given.world;
        }
        let mut without = file.given.without;
        without.append(&mut scenario.given.without);
        scenario.given.without = without;
        if scenario.config.file.is_none() {
            scenario.config.file = file.config.file;
        }
        [given, config]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::Scenario;
    use super::FILE;

    #[test]
    fn scenarios_of_a_folder_start_from_its_defaults_and_worlds_from_the_sample() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let world = "extends = \"sample\"\n[[port.entities]]\nblueprint = \"service\"\nidentifier = \"api\"\n";
        write("world.toml", world);
        write(
            FILE,
            "[given]\nworld = \"world.toml\"\nwithout = [\"image/web-1.4.1\"]\n[config.limits]\ncalls = 7\n",
        );
        let own = "[config.limits]\nwrites = 2\n[expect]\noutcome = \"refused\"\n";
        let scenario = Scenario::read(&write("one.toml", own)).unwrap();
        for (name, is_there) in [("api", true), ("web", true)] {
            assert_eq!(
                scenario.world.port.entity("service", name).is_some(),
                is_there
            );
        }
        assert!(scenario.world.port.entity("image", "web-1.4.1").is_none());
        assert_eq!(
            (scenario.config.limits.calls, scenario.config.limits.writes),
            (7, 2)
        );
        write("world.toml", "extends = \"simple\"\n");
        let error = Scenario::read(&write("one.toml", own))
            .unwrap_err()
            .to_string();
        assert!(error.contains("`extends` takes \"sample\""), "{error}");
        write(FILE, "[givn]\n");
        let error = Scenario::read(&write("one.toml", own))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("defaults.toml:1") && error.contains("givn"),
            "{error}"
        );
    }
}
