//! Kinds of files: Kubernetes objects, Kustomizations, values of a chart, applications of Argo CD.

use super::*;

const TWO: &str = "\
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      initContainers:
        - {name: init, image: ghcr.io/acme/web:1.4.1}
      containers:
        - {name: app, image: ghcr.io/acme/web:1.4.1}
        - {name: side, image: ghcr.io/acme/side:1.0}
---
kind: CronJob
metadata: {name: web}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: app, image: ghcr.io/acme/web:1.4.0}]}}}}}
";

#[test]
fn kubernetes_objects_by_the_image_or_by_the_container() {
    let all = TWO
        .replace("web:1.4.1", "web:1.4.2")
        .replace("web:1.4.0", "web:1.4.2");
    check(TWO, &layout("kubernetes", ""), "", &all, WEB);
    let one = r#","container":"app","document":{"kind":"CronJob"}"#;
    check(
        TWO,
        &layout("kubernetes", one),
        "",
        &TWO.replace("1.4.0", "1.4.2"),
        WEB,
    );
    let named = r#","document":{"kind":"Deployment","name":"{service.identifier}"}"#;
    check(
        TWO,
        &layout("kubernetes", named),
        "",
        &TWO.replace("1.4.1", "1.4.2"),
        WEB,
    );
    let app = layout("kubernetes", r#","container":"app""#);
    refuse(TWO, &app, "", "manifest", "2 containers are called `app`");
    let side = layout("kubernetes", r#","container":"side""#);
    refuse(
        TWO,
        &side,
        "",
        "repository",
        "`spec.template.spec.containers[name=side].image`",
    );
    let none = layout("kubernetes", r#","container":"x""#);
    refuse(
        TWO,
        &none,
        "",
        "manifest",
        "no container is called `x`; there are `init` (`ghcr.io/acme/web:1.4.1`)",
    );
    let list = format!(
        "kind: List\nitems:\n- {}",
        "kind: Pod\n  spec: {containers: [{name: app, image: ghcr.io/acme/web:1.4.1}]}\n"
    );
    check(
        &list,
        &layout("kubernetes", ""),
        "",
        &list.replace("1.4.1", "1.4.2"),
        WEB,
    );
    let other = "spec: {containers: [{name: app, image: ghcr.io/acme/api:1}]}\n";
    refuse(
        other,
        &layout("kubernetes", ""),
        "",
        "manifest",
        "no container is of `ghcr.io/acme/web`; there are `app` (`ghcr.io/acme/api:1`)",
    );
}

#[test]
fn kustomizations_by_the_image_or_by_the_name() {
    let file = "images:\n- name: side\n  newName: ghcr.io/acme/side\n  newTag: 1.0\n- name: app\n  newName: ghcr.io/acme/web\n  newTag: 1.4.1\n- name: ghcr.io/acme/web\n  newTag: 1.4.1\n";
    check(
        file,
        &layout("kustomize", ""),
        "",
        &file.replace("1.4.1", "1.4.2"),
        WEB,
    );
    let one = file.replacen("1.4.1", "1.4.2", 1);
    check(
        file,
        &layout("kustomize", r#","name":"app""#),
        "",
        &one,
        WEB,
    );
    refuse(
        file,
        &layout("kustomize", r#","name":"side""#),
        "",
        "repository",
        "`images[name=side].newTag`",
    );
    refuse(
        file,
        &layout("kustomize", r#","name":"x""#),
        "",
        "manifest",
        "has no item whose `name` is `x`",
    );
    let none = "images: [{name: ghcr.io/acme/web, newName: ghcr.io/acme/web}]\n";
    refuse(
        none,
        &layout("kustomize", ""),
        "",
        "manifest",
        "has neither `newTag` nor `digest`",
    );
    refuse(
        "resources: [a]\n",
        &layout("kustomize", ""),
        "",
        "manifest",
        "there is no item of `images`",
    );
}

#[test]
fn values_of_a_chart() {
    let file = "web:\n  image: {registry: ghcr.io, repository: acme/web, tag: 1.4.1}\nimage: ghcr.io/acme/web:1.4.1\n";
    let deep = file.replacen("1.4.1", "1.4.2", 1);
    check(
        file,
        &layout("helm_values", r#","at":"web.image""#),
        "",
        &deep,
        WEB,
    );
    let top = format!("{}ghcr.io/acme/web:1.4.2\n", &file[..file.len() - 23]);
    check(file, &layout("helm_values", ""), "", &top, WEB);
    refuse(
        "image: {repository: x}\n",
        &layout("helm_values", ""),
        "",
        "manifest",
        "`image` has neither `tag` nor `digest`, it has `repository`",
    );
    refuse(
        "a: 1\n",
        &layout("helm_values", ""),
        "",
        "manifest",
        "`image` does not exist",
    );
}

#[test]
fn applications_of_argo_cd() {
    let sources = [
        "helm: {parameters: [{name: image.repository, value: ghcr.io/acme/web}, {name: image.tag, value: 1.4.1}]}",
        "helm: {valuesObject: {image: {repository: ghcr.io/acme/web, tag: 1.4.1}}}",
        "helm:\n      values: |\n        image:\n          tag: 1.4.1",
        "kustomize: {images: [\"side=ghcr.io/acme/side:1.0\", \"web=ghcr.io/acme/web:1.4.1\"]}",
    ];
    for source in sources {
        for file in [
            format!("kind: Application\nspec:\n  source:\n    {source}\n"),
            format!("kind: Application\nspec:\n  sources:\n  - ref: values\n  - {source}\n"),
        ] {
            check(
                &file,
                &layout("argocd_application", ""),
                "",
                &file.replace("1.4.1", "1.4.2"),
                WEB,
            );
        }
    }
    let twice = "spec: {source: {helm: {parameters: [{name: image.tag, value: 1.4.1}], valuesObject: {image: {tag: 1.4.1}}}}}\n";
    refuse(
        twice,
        &layout("argocd_application", ""),
        "",
        "manifest",
        "the image stands in 2 ways",
    );
    refuse(
        "spec: {source: {kustomize: {images: [\"x/y:1\"]}}}\n",
        &layout("argocd_application", ""),
        "",
        "manifest",
        "`kustomize.images` has `x/y:1`",
    );
    refuse(
        "spec: {}\n",
        &layout("argocd_application", ""),
        "",
        "manifest",
        "it is no application of Argo CD",
    );
}
