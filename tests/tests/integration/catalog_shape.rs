//! Catalogs of four shapes, each with a world and a clone of its repository.

use std::fmt::Write as _;
use std::path::Path;

use promote_mock::World;
use promote_mock::sample::ImageShape;

use crate::stage::ProgramStage;

/// A catalog, and what production must run in the end.
pub(crate) struct CatalogShape {
    pub(crate) name: &'static str,
    /// The images of the sample world; none for a world of its own.
    pub(crate) sample: Option<ImageShape>,
    /// The names of blueprints and relations: service, runtime, image, staging, production, image relation, place of manifests.
    pub(crate) names: [&'static str; 7],
    /// The old and the new image: identifier, title and more of the entity.
    pub(crate) images: [&'static str; 2],
    /// What the manifest holds for them.
    pub(crate) references: [&'static str; 2],
    /// The setting that must be derived.
    pub(crate) reference: &'static str,
    /// The manifest, with `IMAGE` for the reference and `TAG` for its tag.
    pub(crate) manifest: (&'static str, &'static str),
}

const GUIDE_NAMES: [&str; 7] = [
    "service",
    "running_service",
    "image",
    "test_runtime",
    "prod_runtime",
    "image",
    "gitPath",
];
/// The file of the sample.
const DEPLOYMENT: (&str, &str) = ("deployment.yaml", "");

pub(crate) const SHAPES: [CatalogShape; 4] = [
    CatalogShape {
        name: "the guide's, reference in the title",
        sample: Some(ImageShape::Titled),
        names: GUIDE_NAMES,
        images: ["identifier = \"web-1.4.1\"", "identifier = \"web-1.4.2\""],
        references: ["ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"],
        reference: "{title}",
        manifest: DEPLOYMENT,
    },
    CatalogShape {
        name: "ECR's",
        sample: Some(ImageShape::Ecr),
        names: GUIDE_NAMES,
        images: ["identifier = \"web:1.4.1\"", "identifier = \"web:1.4.2\""],
        references: [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.1",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.4.2",
        ],
        reference: "{registryId}.dkr.ecr.eu-west-1.amazonaws.com/{identifier}",
        manifest: DEPLOYMENT,
    },
    CatalogShape {
        name: "Argo CD's, without properties",
        sample: Some(ImageShape::ArgoCd),
        names: GUIDE_NAMES,
        images: [
            "identifier = \"ghcr.io/acme/web:1.4.1\"",
            "identifier = \"ghcr.io/acme/web:1.4.2\"",
        ],
        references: ["ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"],
        reference: "{identifier}",
        manifest: DEPLOYMENT,
    },
    CatalogShape {
        name: "one's own names, with Kustomize",
        sample: None,
        names: [
            "component",
            "workload",
            "container_image",
            "stage",
            "live",
            "runs",
            "manifests",
        ],
        images: [
            "identifier = \"web_1.4.1\"\nproperties = { repo = \"acme/web\", tags = [\"1.4.1\"] }",
            "identifier = \"web_1.4.2\"\nproperties = { repo = \"acme/web\", tags = [\"1.4.2\"] }",
        ],
        references: ["ghcr.io/acme/web:1.4.1", "ghcr.io/acme/web:1.4.2"],
        reference: "ghcr.io/{repo}:{tags[0]}",
        manifest: (
            "kustomization.yaml",
            "resources:\n  - ../base\nimages:\n  - name: ghcr.io/acme/web\n    newTag: TAG\n",
        ),
    },
];

impl CatalogShape {
    pub(crate) fn manifest(&self, version: usize) -> String {
        let reference = self.references[version];
        if self.sample.is_some() {
            let file = self.file("prod");
            let text = self.world().github.file_at("acme/gitops", "main", &file);
            return text.unwrap().replace(self.references[0], reference);
        }
        let tag = reference.rsplit(':').next().unwrap_or_default();
        let text = self.manifest.1.replace("IMAGE", reference);
        text.replace("TAG", &format!("\"{tag}\""))
    }

    pub(crate) fn file(&self, environment: &str) -> String {
        format!("apps/web/{environment}/{}", self.manifest.0)
    }

    /// The world: the sample with images of a shape, or its Port and GitHub with this catalog in place of theirs.
    pub(crate) fn world(&self) -> World {
        let mut world = match self.sample {
            Some(shape) => World::from_toml(&shape.world_file(), Path::new("")).unwrap(),
            None => self.own_world(),
        };
        world.port.actions.clear();
        world
    }

    fn own_world(&self) -> World {
        let [service, runtime, image, staging, production, runs, place] = self.names;
        let sample = promote_mock::sample::SAMPLE;
        let catalog = sample.find("[[port.entities]]").unwrap();
        let github = sample.find("[github]").unwrap();
        let files = sample.find("[github.repositories.files]").unwrap();
        let mut text = sample[..catalog].replace("owned = [\"service\"]", "");
        text = text.replace("blueprints = \"guide\"", "blueprints = \"none\"");
        write!(
            text,
            "[[port.blueprint]]\ninline = {{ identifier = \"{image}\", title = \"Image\", schema = {{ properties = {{ repo = {{ type = \"string\" }}, tags = {{ type = \"array\" }} }} }}, relations = {{}} }}\n\
             [[port.blueprint]]\ninline = {{ identifier = \"cluster\", title = \"Cluster\", schema = {{ properties = {{}} }}, relations = {{}} }}\n\
             [[port.blueprint]]\ninline = {{ identifier = \"{runtime}\", title = \"Workload\", schema = {{ properties = {{ {place} = {{ type = \"string\" }} }} }}, relations = {{ {runs} = {{ target = \"{image}\", many = false, required = false }}, cluster = {{ target = \"cluster\", many = false, required = false }} }} }}\n\
             [[port.blueprint]]\ninline = {{ identifier = \"{service}\", title = \"Component\", schema = {{ properties = {{}} }}, relations = {{ {staging} = {{ target = \"{runtime}\", many = false, required = false }}, {production} = {{ target = \"{runtime}\", many = false, required = false }} }} }}\n",
        )
        .unwrap();
        let identifier = |body: &str| body.split('"').nth(1).unwrap().to_owned();
        for body in self.images {
            write!(text, "[[port.entities]]\nblueprint = \"{image}\"\n{body}\n").unwrap();
        }
        for (name, environment, body) in [
            ("web-staging", "staging", self.images[1]),
            ("web-prod", "prod", self.images[0]),
        ] {
            let image = identifier(body);
            write!(
                text,
                "[[port.entities]]\nblueprint = \"{runtime}\"\nidentifier = \"{name}\"\nproperties = {{ {place} = \"apps/web/{environment}\" }}\nrelations = {{ {runs} = \"{image}\" }}\n"
            )
            .unwrap();
        }
        write!(
            text,
            "[[port.entities]]\nblueprint = \"{service}\"\nidentifier = \"web\"\nrelations = {{ {staging} = \"web-staging\", {production} = \"web-prod\" }}\n"
        )
        .unwrap();
        text.push_str(&sample[github..files]);
        text.push_str("[github.repositories.files]\n");
        for (environment, version) in [("staging", 1), ("prod", 0)] {
            let file = self.file(environment);
            write!(text, "\"{file}\" = '''\n{}'''\n", self.manifest(version)).unwrap();
        }
        World::from_toml(&text, Path::new("")).unwrap()
    }

    /// A clone of the repository, as somebody has it who runs `init`.
    pub(crate) fn clone_into(&self, stage: &ProgramStage) {
        for (environment, version) in [("staging", 1), ("prod", 0)] {
            let path = stage.path("clone").join(self.file(environment));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.manifest(version)).unwrap();
        }
    }
}
