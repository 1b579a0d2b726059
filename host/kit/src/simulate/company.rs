//! A company that a seed makes up: its services, how their manifests look, and what its repository asks of a merge.
//!
//! It writes itself as the beginning of a scenario file. Nothing here runs.

use std::fmt::Write as _;

use fastrand::Rng;

use super::customs::{BranchRule, CompanyGuard, ManifestLayout, MergeMode};
use super::evidence::{ImageEvidence, MAX_IMAGES, built_at};
use super::weather::Weather;

/// The repository of every company's manifests.
pub(super) const REPOSITORY: &str = "acme/gitops";
/// The branch that its cluster follows.
pub(super) const BASE: &str = "main";
/// The time at which every script begins.
pub(super) const START: &str = "2026-01-05T11:00:00Z";
/// The hours in which companies with a freeze promote nothing.
pub(super) const FREEZE_FROM: &str = "2026-01-05T11:30";
/// Their end.
pub(super) const FREEZE_TO: &str = "2026-01-05T14:00";
/// The workflow that a click starts.
pub(super) const WORKFLOW: &str = "promote-production.yml";
/// The people who click and write code.
pub(super) const PEOPLE: [&str; 2] = ["dana", "kim"];

/// The names of services, as many as there can be.
pub(super) const SERVICES: [&str; 3] = ["alpha", "beta", "gamma"];

/// A company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Company {
    /// Its services, each with the number of images in the catalog.
    pub(super) services: Vec<CompanyService>,
    /// The form of its manifests.
    pub(super) layout: ManifestLayout,
    /// The policy's setting `mode`.
    pub(super) mode: MergeMode,
    /// What the base branch asks for.
    pub(super) rule: BranchRule,
    /// What is slow or late at its GitHub.
    pub(super) weather: Weather,
    /// Whether a newer promotion closes older ones.
    pub(super) supersedes: bool,
    /// Whether what waits gives way to an image that staging runs by then.
    pub(super) follows_staging: bool,
    /// Whether manifests are executable: the one mutation that proposes a change cannot keep that.
    pub(super) is_executable: bool,
    /// What else keeps promotions back.
    pub(super) guard: CompanyGuard,
    /// What must be known of an image.
    pub(super) evidence: ImageEvidence,
    /// Whether pull requests get a label and a reviewer.
    pub(super) decorates: bool,
    /// Whether the host keeps a comment and a deployment at GitHub.
    pub(super) is_kept: bool,
    /// Whether a file that nobody promotes names images beside each manifest.
    pub(super) decoy: bool,
}

/// A service of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CompanyService {
    /// Its name, in Port, in paths and in images.
    pub(super) name: &'static str,
    /// The number of images that the catalog knows of it, from 1.
    pub(super) images: u32,
    /// The image that staging runs at the beginning; production runs the first.
    pub(super) staging: u32,
}

impl Company {
    /// A company of this generator.
    pub(super) fn draw(rng: &mut Rng) -> Self {
        let evidence = ImageEvidence::draw(rng);
        let count = rng.usize(1..=evidence.most_services());
        let services = SERVICES[..count].iter();
        let services = services.map(|name| {
            let images = rng.u32(4..=MAX_IMAGES);
            CompanyService {
                name,
                images,
                // What comes next is then the one image of which there is an attestation.
                staging: match evidence.is_attested() {
                    true => 1,
                    false => rng.u32(1..=images / 2),
                },
            }
        });
        let services = services.collect();
        Self {
            services,
            layout: match evidence.is_pinned() {
                true => ManifestLayout::Kubernetes,
                false => draw(rng, &ManifestLayout::ALL),
            },
            // Half of the companies merge as soon as they may: the others have enough that waits.
            mode: match rng.bool() {
                true => MergeMode::Merge,
                false => draw(rng, &MergeMode::ALL),
            },
            rule: match rng.u8(..8) {
                0..5 => BranchRule::Nothing,
                _ => draw(rng, &BranchRule::ALL),
            },
            weather: Weather::draw(rng),
            supersedes: rng.bool(),
            follows_staging: rng.u8(..3) == 0,
            is_executable: rng.u8(..8) == 0,
            guard: match rng.bool() {
                true => CompanyGuard::Lock,
                false => draw(rng, &CompanyGuard::ALL),
            },
            evidence,
            decorates: rng.u8(..4) == 0,
            is_kept: rng.u8(..6) == 0,
            decoy: rng.u8(..4) == 0,
        }
    }

    /// `given` and `config` of a scenario in this company, in which workflow runs of these titles are at work.
    pub(super) fn toml(&self, workflows: impl Iterator<Item = String>) -> String {
        let mut text = format!("[given]\nstart = \"{START}\"\n");
        for service in &self.services {
            service.write_entities(&mut text, self.evidence);
        }
        let _ = write!(
            text,
            "{}[[given.github.repositories]]\nname = \"{REPOSITORY}\"\ncollaborators = [\"kim\"]\n\
             [given.github.repositories.settings]\nallow-auto-merge = true\n\
             [[given.github.repositories.branches]]\nname = \"other\"\nmessage = \"Other work\"\nfiles = {{ NOTES = \"other\" }}\n\
             [[given.github.repositories.ci]]\nname = \"validate\"\ntakes = \"20s\"\n",
            self.weather.toml()
        );
        if self.rule != BranchRule::Nothing {
            let _ = write!(
                text,
                "[given.github.repositories.rules.{BASE}]\n{}",
                self.rule.toml()
            );
        }
        for title in workflows {
            let _ = write!(
                text,
                "[[given.github.repositories.actions.runs]]\nworkflow = \"{WORKFLOW}\"\ntitle = \"{title}\"\n"
            );
        }
        text.push_str("[given.github.repositories.files]\n");
        for service in &self.services {
            let path = self.path(service.name);
            let manifest = format!("\"\"\"\n{}\"\"\"", self.manifest(service.name, 1, 3));
            let manifest = match self.is_executable {
                true => format!("{{ mode = \"executable\", text = {manifest} }}"),
                false => manifest,
            };
            let _ = writeln!(text, "\"{path}\" = {manifest}");
            if self.decoy {
                let _ = writeln!(
                    text,
                    "\"{}\" = \"\"\"\n{}\"\"\"",
                    self.decoy_path(service.name),
                    self.manifest(service.name, service.images, 3)
                );
            }
        }
        text + &self.evidence.world(&self.services) + &self.config()
    }

    fn config(&self) -> String {
        let decorations = match self.decorates {
            true => "labels = [\"promotion\"]\nreviewers = [\"kim\"]\n",
            false => "",
        };
        let kept = match self.is_kept {
            true => format!(
                "[[config.grants]]\nallow = [\"github.comment\", \"github.deployment\"]\nrepository = \"{REPOSITORY}\"\n\
                 [config.workflow]\nenvironment = \"production\"\n"
            ),
            false => String::new(),
        };
        format!(
            "[config]\nfile = \"none\"\n\
             [config.policy.settings]\nrepository = \"{REPOSITORY}\"\nreference = \"{{registryId}}:{{tags[0]}}\"\n\
             manifest = {}\nmode = \"{}\"\nsupersede = {}\nnewer = \"{}\"\n\
             rollback = {{ input = \"rollback\" }}\nchecks = {{ deadline = \"2m\" }}\n{}{decorations}{}{}\
             [config.port.actions]\npromote = \"promote_to_production\"\n\
             {}\
             [[config.grants]]\nallow = [\"run.note\"]\n\
             [[config.grants]]\nallow = [\"port.get-entity\", \"port.search\"]\nblueprint = [\"service\", \"running_service\", \"image\"]\n\
             [[config.grants]]\nallow = [\"github.read\", \"github.propose\", \"github.merge\", \"github.decorate\"]\n\
             repository = \"{REPOSITORY}\"\npath = \"apps/{{service.identifier}}/prod/*\"\nbase = \"{BASE}\"\n{decorations}\
             [[config.grants]]\nallow = [\"port.update-entity\"]\nblueprint = \"running_service\"\n\
             entity = \"{{service.relations.prod_runtime}}\"\nrelations = [\"image\"]\nafter = \"merge\"\nholds = \"{}\"\n{}{kept}",
            self.layout.setting(),
            self.mode.name(),
            self.supersedes,
            match self.follows_staging {
                true => "replace",
                false => "keep",
            },
            self.approvals(),
            self.evidence.settings(),
            self.guard.settings(),
            self.guard.rules(),
            self.layout.holds(),
            self.evidence.grants(),
        )
    }

    /// The policy's own approvals.
    fn approvals(&self) -> String {
        let mut wanted = Vec::new();
        if self.evidence == ImageEvidence::Reviewed {
            wanted.push("{ of = \"image\" }");
        }
        if self.guard == CompanyGuard::Reviews {
            wanted.push("{ of = \"pull-request\" }");
        }
        match wanted.is_empty() {
            true => String::new(),
            false => format!("approvals = [{}]\n", wanted.join(", ")),
        }
    }

    /// The path of a service's manifest in production.
    pub(super) fn path(&self, service: &str) -> String {
        format!("apps/{service}/prod/{}", self.layout.file())
    }

    /// The path of a file beside the manifest that names the newest image, and that no cluster reads.
    pub(super) fn decoy_path(&self, service: &str) -> String {
        format!("apps/{service}/prod/next-{}", self.layout.file())
    }

    /// The manifest of a service that runs an image, beside another image that nobody promotes.
    pub(super) fn manifest(&self, service: &str, image: u32, replicas: u32) -> String {
        let version = self.evidence.value(service, image);
        match self.layout {
            ManifestLayout::Kubernetes => format!(
                "kind: Deployment\nspec:\n  replicas: {replicas}\n  template:\n    spec:\n      containers:\n        - name: {service}\n          image: ghcr.io/acme/{service}:{version}\n        - name: side\n          image: ghcr.io/acme/side:2.0\n"
            ),
            ManifestLayout::Kustomize => format!(
                "kind: Kustomization\nreplicas:\n  - name: {service}\n    count: {replicas}\nimages:\n  - name: ghcr.io/acme/{service}\n    newTag: {version}\n  - name: ghcr.io/acme/side\n    newTag: \"2.0\"\n"
            ),
            ManifestLayout::HelmValues => format!(
                "replicas: {replicas}\nimage:\n  repository: ghcr.io/acme/{service}\n  tag: {version}\nside:\n  image:\n    repository: ghcr.io/acme/side\n    tag: \"2.0\"\n"
            ),
            ManifestLayout::ArgoCd => format!(
                "kind: Application\nspec:\n  source:\n    helm:\n      parameters:\n        - name: replicas\n          value: \"{replicas}\"\n        - name: image.repository\n          value: ghcr.io/acme/{service}\n        - name: image.tag\n          value: {version}\n"
            ),
        }
    }
}

impl CompanyService {
    fn write_entities(&self, text: &mut String, evidence: ImageEvidence) {
        let name = self.name;
        for image in 1..=self.images {
            let _ = write!(
                text,
                "[[given.port.entities]]\nblueprint = \"image\"\nidentifier = \"{}\"\n\
                 properties = {{ registryId = \"ghcr.io/acme/{name}\", tags = [\"{}\"], triggeredBy = \"{}\", pushedAt = \"{}\"{} }}\n",
                entity(name, image),
                version(image),
                author(image),
                built_at(image),
                evidence.properties(name, image),
            );
        }
        for (place, image) in [("staging", self.staging), ("prod", 1)] {
            let _ = write!(
                text,
                "[[given.port.entities]]\nblueprint = \"running_service\"\nidentifier = \"{name}-{place}\"\n\
                 properties = {{ gitRepo = \"https://github.com/{REPOSITORY}\", gitPath = \"apps/{name}/{place}\", syncStatus = \"Synced\", healthStatus = \"Healthy\" }}\n\
                 relations = {{ image = \"{}\" }}\n",
                entity(name, image),
            );
        }
        let _ = write!(
            text,
            "[[given.port.entities]]\nblueprint = \"service\"\nidentifier = \"{name}\"\n\
             properties = {{ lifecycle = \"Production\", locked_in_prod = false }}\n\
             relations = {{ test_runtime = \"{name}-staging\", prod_runtime = \"{name}-prod\" }}\n"
        );
    }
}

/// The person who wrote a service's n-th image.
pub(super) fn author(image: u32) -> &'static str {
    PEOPLE[image as usize % PEOPLE.len()]
}

/// The version of a service's n-th image. No other text of a manifest has this form.
pub(super) fn version(image: u32) -> String {
    format!("1.{image}.0")
}

/// The identifier of a service's n-th image in the catalog.
pub(super) fn entity(service: &str, image: u32) -> String {
    format!("{service}-1.{image}")
}

/// One of these, each as likely as the others.
pub(super) fn draw<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(..all.len())]
}
