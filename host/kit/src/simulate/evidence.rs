//! What a company must know of an image before it promotes it: that its registry has it, how it was built, who approved it.
//!
//! Of each service some images lack the proof, so that each of these refuses as well as lets pass.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use fastrand::Rng;

use super::company::{CompanyService, SERVICES, START, author, draw, version};
use crate::scenario::Scenario;
use promote_mock::registry::{ImageBuild, Registry};

/// The most images that the catalog knows of a service.
pub(super) const MAX_IMAGES: u32 = 8;
/// The repository of every service's source.
const SOURCE: &str = "acme/source";
/// The repository of which a real attestation is at hand.
const ATTESTED: &str = "actions/attest-demo";
/// That attestation, and the digest of what was built.
const BUNDLE: &str = include_str!("../../../attest/testdata/github-root.json");
const ATTESTED_DIGEST: &str =
    "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b";
/// The n-th image of which there is that attestation; of one build there is one image.
const ATTESTED_IMAGE: u32 = 2;
/// The n-th image that lacks every other proof.
const UNPROVED_IMAGE: u32 = 3;

/// The commits of the images in the repository of their source, from the first.
static COMMITS: LazyLock<Vec<String>> = LazyLock::new(source_commits);
/// The digests that registries have of the images, from the first, by service.
static DIGESTS: LazyLock<BTreeMap<&str, Vec<String>>> = LazyLock::new(built_digests);

/// What must be known of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ImageEvidence {
    /// Only what the catalog says.
    Nothing,
    /// Its registry has it, with the digest that the catalog knows.
    Registry,
    /// Its registry has it, and manifests are pinned by that digest.
    Pinned,
    /// Its commit was merged.
    Merged,
    /// The pull request of its commit was approved.
    Reviewed,
    /// GitHub keeps an attestation of its build.
    Attested,
    /// Its registry keeps an attestation of its build.
    AttestedBeside,
}

impl ImageEvidence {
    pub(super) const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Registry,
        Self::Pinned,
        Self::Merged,
        Self::Reviewed,
        Self::Attested,
        Self::AttestedBeside,
    ];

    /// One of these: the more that images lack, the seldomer, so that enough is promoted.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        match rng.u8(..20) {
            0..12 => Self::Nothing,
            12 => Self::Attested,
            13 => Self::AttestedBeside,
            _ => draw(rng, &Self::ALL[1..5]),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "catalog",
            Self::Registry => "registry",
            Self::Pinned => "pinned by the registry",
            Self::Merged => "commit merged",
            Self::Reviewed => "pull request approved",
            Self::Attested => "attestation at GitHub",
            Self::AttestedBeside => "attestation in the registry",
        }
    }

    /// Whether manifests hold the digest beside the tag; the generator has one layout that can.
    pub(super) fn is_pinned(self) -> bool {
        matches!(self, Self::Pinned | Self::Attested | Self::AttestedBeside)
    }

    /// Whether it is an attestation.
    pub(super) fn is_attested(self) -> bool {
        matches!(self, Self::Attested | Self::AttestedBeside)
    }

    /// Whether registries are asked for it.
    pub(super) fn asks_registry(self) -> bool {
        matches!(self, Self::Registry | Self::Pinned | Self::AttestedBeside)
    }

    /// Whether the n-th image has what is asked for.
    pub(super) fn proves(self, image: u32) -> bool {
        match self {
            Self::Nothing => true,
            Self::Attested | Self::AttestedBeside => image == ATTESTED_IMAGE,
            Self::Registry => image != UNPROVED_IMAGE && !self.is_moved(image),
            Self::Pinned | Self::Merged | Self::Reviewed => image != UNPROVED_IMAGE,
        }
    }

    /// The text by which a manifest names the n-th image of a service.
    pub(super) fn value(self, service: &str, image: u32) -> String {
        match self.is_pinned() {
            true => format!("{}@{}", version(image), self.digest(service, image)),
            false => version(image),
        }
    }

    /// The digest that the catalog or the registry knows.
    fn digest(self, service: &str, image: u32) -> &'static str {
        match self {
            Self::Attested | Self::AttestedBeside if self.proves(image) => ATTESTED_DIGEST,
            // The tag stands for another image meanwhile.
            Self::Registry if self.is_moved(image) => ATTESTED_DIGEST,
            _ => &DIGESTS[service][image as usize - 1],
        }
    }

    /// Properties of the n-th image of a service in the catalog, beside those that it has in every company.
    pub(super) fn properties(self, service: &str, image: u32) -> String {
        match self {
            Self::Nothing | Self::Pinned => String::new(),
            Self::Merged | Self::Reviewed => {
                format!(", commitHash = \"{}\"", COMMITS[image as usize - 1])
            }
            Self::Registry | Self::Attested | Self::AttestedBeside => {
                format!(", digest = \"{}\"", self.digest(service, image))
            }
        }
    }

    /// The most services of a company.
    pub(super) fn most_services(self) -> usize {
        match self.is_attested() {
            true => 1,
            false => SERVICES.len(),
        }
    }

    /// Settings of the policy.
    pub(super) fn settings(self) -> String {
        let attested = |kept: &str| {
            format!(
                "digest = \"prefer\"\nexists = \"never\"\nprovenance = {{ repository = \"{ATTESTED}\", \
                 built_by = \"{ATTESTED}/.github/workflows/build-python.yml\", ref = \"main\", kept = \"{kept}\" }}\n"
            )
        };
        match self {
            Self::Nothing | Self::Registry => String::new(),
            Self::Pinned => "digest = \"resolve\"\n".to_owned(),
            Self::Merged => {
                format!(
                    "commits = true\nprovenance = {{ enabled = true, repository = \"{SOURCE}\" }}\n"
                )
            }
            Self::Reviewed => format!("provenance = {{ repository = \"{SOURCE}\" }}\n"),
            Self::Attested => attested("github"),
            Self::AttestedBeside => attested("registry"),
        }
    }

    /// The grants that it needs.
    pub(super) fn grants(self) -> String {
        let grant = |operation: &str, key: &str, value: &str| {
            format!("[[config.grants]]\nallow = [\"{operation}\"]\n{key} = \"{value}\"\n")
        };
        match self {
            Self::Nothing => String::new(),
            Self::Registry | Self::Pinned | Self::AttestedBeside => grant(
                "registry.read",
                "image",
                "ghcr.io/acme/{service.identifier}",
            ),
            Self::Merged => grant("github.read-commits", "repository", SOURCE),
            Self::Reviewed => grant("github.read-pull-request", "repository", SOURCE),
            Self::Attested => grant("github.attestations", "repository", ATTESTED),
        }
    }

    /// What the world must have beside the company's own repository.
    pub(super) fn world(self, services: &[CompanyService]) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Registry | Self::Pinned => self.pushed(services),
            Self::Merged | Self::Reviewed => source(),
            Self::Attested => format!(
                "[[given.github.repositories]]\nname = \"{ATTESTED}\"\nfiles = {{ \"README.md\" = \"# A build\\n\" }}\n\
                 [[given.github.repositories.attestations]]\nsubject = \"{ATTESTED_DIGEST}\"\nbundle = '''\n{BUNDLE}'''\n"
            ),
            Self::AttestedBeside => services
                .iter()
                .map(|service| {
                    format!(
                        "[[given.registry.referrers]]\nimage = \"ghcr.io/acme/{}@{ATTESTED_DIGEST}\"\nbundle = '''\n{BUNDLE}'''\n",
                        service.name
                    )
                })
                .collect(),
        }
    }

    /// The images that registries have.
    fn pushed(self, services: &[CompanyService]) -> String {
        let mut text = String::new();
        for service in services {
            let images =
                (1..=service.images).filter(|image| self.proves(*image) || self.is_moved(*image));
            for image in images {
                let _ = write!(
                    text,
                    "[[given.registry.images]]\nname = \"ghcr.io/acme/{}:{}\"\ncreated = \"{}\"\nlabels = {{ service = \"{}\" }}\n",
                    service.name,
                    version(image),
                    built_at(image),
                    service.name
                );
            }
        }
        text
    }

    /// Whether the tag of the n-th image stands for something else than the catalog says.
    fn is_moved(self, image: u32) -> bool {
        self == Self::Registry && image == 7
    }
}

/// When the n-th image was built.
pub(super) fn built_at(image: u32) -> String {
    format!("2025-12-{image:02}T09:00:00Z")
}

/// The repository of the source: each image was built from a commit of a pull request, and not all were merged.
fn source() -> String {
    let mut text = format!(
        "[[given.github.repositories]]\nname = \"{SOURCE}\"\ncollaborators = [\"kim\", \"grace\", \"dana\"]\n\
         files = {{ \"README.md\" = \"# Source\\n\" }}\n"
    );
    for image in 1..=MAX_IMAGES {
        let author = author(image);
        let end = match ImageEvidence::Reviewed.proves(image) {
            true => "reviews = [{ user = \"grace\", state = \"approved\" }]\nmerged = \"merge\"\n",
            false => "",
        };
        let _ = write!(
            text,
            "[[given.github.repositories.branches]]\nname = \"change-{image}\"\nauthor = \"{author}\"\nmessage = \"Change {image}\"\n\
             files = {{ \"CHANGE-{image}\" = \"{image}\\n\" }}\n\
             [[given.github.repositories.pulls]]\nhead = \"change-{image}\"\ntitle = \"Change {image}\"\nauthor = \"{author}\"\n{end}"
        );
    }
    text
}

/// Identifiers of commits are made of their content, so that those of a world of its own are those of every company.
fn source_commits() -> Vec<String> {
    let text = format!(
        "title = \"source\"\n[given]\nstart = \"{START}\"\n{}[expect]\nexit = 0\n",
        source()
    );
    let scenario = Scenario::parse(&text, Path::new("source.toml"));
    let world = scenario.map(|scenario| scenario.world).unwrap_or_default();
    let source = world.github.find(SOURCE);
    let commit = |image| {
        let head = source.and_then(|source| source.branch(&format!("change-{image}")));
        head.map(|head| head.to_string()).unwrap_or_default()
    };
    (1..=MAX_IMAGES).map(commit).collect()
}

fn built_digests() -> BTreeMap<&'static str, Vec<String>> {
    let digest = |service: &str, image| {
        let build = ImageBuild {
            platforms: vec!["linux/amd64".to_owned()],
            created: Some(built_at(image)),
            labels: [("service".to_owned(), service.to_owned())].into(),
        };
        Registry::default().push("ghcr.io/acme/any", "any", &build)
    };
    let all = |service| {
        (1..=MAX_IMAGES)
            .map(|image| digest(service, image))
            .collect()
    };
    SERVICES.map(|service| (service, all(service))).into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::simulate::company::Company;
    use crate::simulate::script::Script;
    use promote_mock::World;

    /// The world of the first company of the generator that asks for this.
    fn world(evidence: ImageEvidence) -> (Company, World) {
        let mut scripts = (0..).map(Script::draw);
        let fits = |script: &Script| script.company.evidence == evidence;
        let script = scripts.find(fits).unwrap();
        let text = script.scenario("drawn", "{ exit = 0 }", &[]);
        let scenario = Scenario::parse(&text, Path::new("drawn.toml")).unwrap();
        (script.company, scenario.world)
    }

    #[test]
    fn commits_of_images_are_those_of_the_source() {
        for evidence in [ImageEvidence::Merged, ImageEvidence::Reviewed] {
            let (_, world) = world(evidence);
            let source = world.github.find(SOURCE).unwrap();
            for (image, commit) in (1..=MAX_IMAGES).zip(COMMITS.iter()) {
                let head = source.branch(&format!("change-{image}")).unwrap();
                assert_eq!(head.to_string(), *commit);
            }
        }
    }

    #[test]
    fn digests_of_images_are_those_of_the_registry() {
        for evidence in [ImageEvidence::Registry, ImageEvidence::Pinned] {
            let (company, world) = world(evidence);
            for service in &company.services {
                let repository = format!("ghcr.io/acme/{}", service.name);
                let tags = &world.registry.repositories[&repository].tags;
                for image in 1..=service.images {
                    let known = evidence.digest(service.name, image);
                    let is_there = tags.get(&version(image)).is_some_and(|it| it == known);
                    assert_eq!(is_there, evidence.proves(image), "{evidence:?} {image}");
                }
            }
        }
    }
}
