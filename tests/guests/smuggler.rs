//! Changes more of the manifest than the image, beside the image or instead of it.

use contract::{Failure, Outcome, Policy, Promotion, Request};

promote_guests::guest!(world: "promote");
promote_guests::steps!();

impl Promotion for Policy {
    fn promote(request: Request) -> Result<Outcome, Failure> {
        let file = steps::manifest()?;
        let content = file.content.replace("web:1.4.1", "web:1.4.2");
        let content = match steps::deed(&request) {
            "another line" => content.replace("replicas: 3", "replicas: 0"),
            "a new line" => content + "---\nkind: Secret\n",
            "one line less" => content.replace("  namespace: prod\n", ""),
            "the comment" => content.replace("# set by promote", "# set by nobody"),
            "the key" => content.replace("image:", "imagePullPolicy:"),
            "a mapping" => content.replace("ghcr.io/acme/web:1.4.2", "{a: b}"),
            _ => content.replace('\n', "\r\n"),
        };
        let _swallowed = steps::propose(&file, content);
        steps::promoted("ghcr.io/acme/web:1.4.2")
    }
}
