//! Secrets stay in the host, above all where something goes wrong. What looks for them is `canary`.

use promote_mock::fault::CannedAnswer;
use promote_mock::github::{AppInstallation, GitHubApp, PermissionLevel, RepositoryAccess};
use promote_mock::{FaultEffect, ServiceName, World};
use promote_tests::guests;
use promote_tests::settings::SampleConfig;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::canary::TOKEN_STARTS;
use crate::stage::ProgramStage;
use crate::wire::curl;

/// A service that repeats every credential and every body that it gets, in every field that an error may have.
async fn parrot() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(repeat(socket));
        }
    });
    format!("http://{address}")
}

async fn repeat(socket: TcpStream) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    let mut length = 0;
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        socket.read_line(&mut head).await?;
        let line = head[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    let (status, answer) = if head.contains("access_token") {
        (
            200,
            json!({"ok": true, "accessToken": "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "expiresIn": 3600, "tokenType": "Bearer"}),
        )
    } else {
        let said = head.replace("\r\n", " ") + &String::from_utf8_lossy(&body);
        (
            422,
            json!({"ok": false, "error": said, "message": said, "errors": [said, {"message": said}]}),
        )
    };
    let answer = answer.to_string();
    let echo = head
        .lines()
        .find(|line| line.contains("earer"))
        .unwrap_or_default();
    let length = answer.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\nx-request-id: {echo}\r\nx-trace-id: {echo}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}"
    );
    socket.write_all(text.as_bytes()).await
}

#[tokio::test]
async fn a_service_that_repeats_credentials_is_not_repeated() {
    let parrot = parrot().await;
    // The policy takes an answer of GitHub that says no for a reason to refuse.
    for (service, code) in [("PORT_API_URL", 3), ("GITHUB_API_URL", 1)] {
        let stage = ProgramStage::sample()
            .await
            .with(service, &parrot)
            .with("GITHUB_ACTIONS", "true");
        let ended = stage.run(&[]).await;
        ended.expect(code).expect_said("***");
        stage.witness.expect_nothing_written();
    }
}

#[tokio::test]
async fn a_login_that_fails_does_not_show_what_was_tried() {
    let mut world = World::sample();
    let body = json!({"ok": false, "error": "invalid_credentials", "message": "no mock-client-secret here"})
        .to_string();
    let answer = CannedAnswer {
        status: 401,
        body,
        ..CannedAnswer::default()
    };
    world
        .faults
        .next(
            ServiceName::Port,
            "POST",
            "/v1/auth/access_token",
            FaultEffect::Answer(answer),
        )
        .unwrap()
        .times = 9;
    let stage = ProgramStage::of(world).await;
    let ended = stage.run(&[]).await;
    ended
        .expect(3)
        .expect_said("invalid_credentials")
        .expect_said("no *** here");
}

/// The sample, where an App is installed instead of a token given.
pub(crate) fn with_app() -> World {
    let mut world = World::sample();
    let permissions = ["contents", "pull_requests", "checks", "statuses", "members"];
    world.github.apps.push(GitHubApp {
        id: 7,
        client_id: "Iv1.mock".to_owned(),
        slug: "promoter".to_owned(),
        owner: "acme".to_owned(),
        public_key: None,
        installations: vec![AppInstallation {
            id: 70,
            account: "acme".to_owned(),
            access: RepositoryAccess::All,
            permissions: permissions
                .map(|name| (name.to_owned(), PermissionLevel::Write))
                .into(),
            suspended: false,
        }],
    });
    world
}

#[tokio::test]
async fn an_app_mints_a_token_that_nobody_sees_and_gives_it_back() {
    let stage = ProgramStage::of(with_app())
        .await
        .without("GITHUB_TOKEN")
        .with("GITHUB_APP_ID", "7");
    let key = stage.write("key.pem", include_str!("app.pem"));
    let stage = stage.with("GITHUB_APP_PRIVATE_KEY_FILE", key.display().to_string());
    let before = stage.witness.world.lock().github.tokens.iter().count();
    let ended = stage.run(&[]).await;
    ended.expect(0);
    stage.witness.expect_promoted();
    let writes = stage.witness.writes();
    assert!(
        writes
            .iter()
            .any(|write| write == "POST /app/installations/70/access_tokens"),
        "{writes:?}"
    );
    assert_eq!(
        writes
            .iter()
            .filter(|write| *write == "DELETE /installation/token")
            .count(),
        1
    );
    assert_eq!(
        stage.witness.world.lock().github.tokens.iter().count(),
        before
    );
}

#[tokio::test]
async fn an_app_s_token_is_given_back_when_the_policy_crashes() {
    let stage = ProgramStage::of(with_app())
        .await
        .without("GITHUB_TOKEN")
        .with("GITHUB_APP_ID", "7");
    let stage = stage.settings(&SampleConfig::default().component(guests::TRAPPER));
    let stage = stage.with("GITHUB_APP_PRIVATE_KEY", include_str!("app.pem"));
    stage.run(&[]).await.expect(4);
    let writes = stage.witness.writes();
    assert!(
        writes
            .iter()
            .any(|write| write == "POST /app/installations/70/access_tokens"),
        "{writes:?}"
    );
    assert!(
        writes
            .iter()
            .any(|write| write == "DELETE /installation/token"),
        "{writes:?}"
    );
}

#[tokio::test]
async fn an_app_s_token_may_do_what_the_grants_name_and_no_more() {
    let mut world = with_app();
    let broken = FaultEffect::Answer(CannedAnswer::bad_gateway());
    // A token that could not be given back is one that can be looked at.
    let fault = world
        .faults
        .next(ServiceName::GitHub, "DELETE", "/installation/token", broken);
    fault.unwrap().times = 100;
    let stage = ProgramStage::of(world)
        .await
        .without("GITHUB_TOKEN")
        .with("GITHUB_APP_ID", "7");
    let stage = stage.with("GITHUB_APP_PRIVATE_KEY", include_str!("app.pem"));
    stage
        .run(&[])
        .await
        .expect(0)
        .expect_said("could not be revoked");
    let world = stage.witness.world.lock();
    let minted = world
        .github
        .tokens
        .iter()
        .find(|token| token.login == "promoter[bot]")
        .unwrap();
    let permissions: Vec<(&str, PermissionLevel)> = minted
        .permissions
        .iter()
        .map(|(name, level)| (name.as_str(), *level))
        .collect();
    let expected = [
        ("checks", PermissionLevel::Read),
        ("contents", PermissionLevel::Write),
        ("members", PermissionLevel::Read),
        ("metadata", PermissionLevel::Read),
        ("pull_requests", PermissionLevel::Write),
        ("statuses", PermissionLevel::Read),
    ];
    assert_eq!(permissions, expected);
    assert!(
        matches!(&minted.access, RepositoryAccess::Only(names) if names.len() == 1),
        "{:?}",
        minted.access
    );
}

#[tokio::test]
async fn a_repository_that_is_only_read_gets_a_token_that_only_reads() {
    let mut world = with_app();
    world
        .github
        .create_repository("acme/web", [("README.md", "web")]);
    let broken = FaultEffect::Answer(CannedAnswer::bad_gateway());
    let fault = world
        .faults
        .next(ServiceName::GitHub, "DELETE", "/installation/token", broken);
    fault.unwrap().times = 100;
    let (_, grants) = promote_kit::demo::CONFIG.split_once("[[grants]]").unwrap();
    let grants = format!(
        "[[grants]]{grants}\n[[grants]]\nallow = [\"github.read\"]\nrepository = \"acme/web\"\n"
    );
    let settings = SampleConfig::default()
        .grants(&grants)
        .component(guests::BURGLAR)
        .order("read repository", "acme/web");
    let stage = ProgramStage::of(world)
        .await
        .settings(&settings)
        .without("GITHUB_TOKEN")
        .with("GITHUB_APP_ID", "7")
        .with("GITHUB_APP_PRIVATE_KEY", include_str!("app.pem"));
    stage
        .run(&[])
        .await
        .expect(1)
        .expect_said("came in: nothing");
    let world = stage.witness.world.lock();
    let number = |name: &str| world.github.find(name).map(|repository| repository.id);
    let minted: Vec<_> = world
        .github
        .tokens
        .iter()
        .filter(|token| token.login == "promoter[bot]")
        .collect();
    assert_eq!(minted.len(), 2, "{minted:?}");
    for token in minted {
        let writes = token
            .permissions
            .values()
            .any(|level| *level == PermissionLevel::Write);
        let RepositoryAccess::Only(names) = &token.access else {
            panic!("{:?}", token.access);
        };
        let expected = if writes { "acme/gitops" } else { "acme/web" };
        assert_eq!(
            names.iter().copied().map(Some).collect::<Vec<_>>(),
            [number(expected)]
        );
    }
}

#[tokio::test]
async fn a_workflow_is_told_to_hide_what_was_made() {
    let stage = ProgramStage::of(with_app())
        .await
        .without("GITHUB_TOKEN")
        .with("GITHUB_APP_ID", "7");
    // As GitHub's form for secrets may leave it: on one line, with `\\n` for line ends.
    let key = include_str!("app.pem").replace('\n', "\\n");
    let stage = stage
        .with("GITHUB_APP_PRIVATE_KEY", key)
        .with("GITHUB_ACTIONS", "true");
    let ended = stage.run(&[]).await;
    ended.expect(0);
    let lines = ended.stderr.lines();
    let hidden: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("::add-mask::"))
        .collect();
    // Port's token and the App's own are both of the first kind.
    for (kind, count) in [(TOKEN_STARTS[0], 2), ("ghs_", 1)] {
        let made = hidden.iter().filter(|text| text.starts_with(kind));
        assert_eq!(made.count(), count, "{kind}: {hidden:?}");
    }
}

#[tokio::test]
async fn the_canary_knows_the_tokens_of_the_mock() {
    let stage = ProgramStage::of(with_app()).await;
    let login = r#"{"clientId": "mock-client-id", "clientSecret": "mock-client-secret"}"#;
    let json = [("Content-Type", "application/json")];
    let (_, answer) = curl(&stage.port, "POST /v1/auth/access_token", &json, login).await;
    let token = answer["accessToken"].as_str().unwrap();
    assert!(
        TOKEN_STARTS.iter().any(|start| token.starts_with(start)),
        "{token}"
    );
}
