//! A promotion that waits is killed at every request of its run and at every request of the resume that carries it on. Then
//! the workflow is dead, and nobody but `promote resume` comes: once it finds nothing to do, git, the catalog and Port agree.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use promote_kit::scenario::{RequestKill, Scenario, ScenarioRunner, StepAction};
use promote_mock::World;
use promote_mock::github::PullState;
use promote_mock::port::RunStatus;

const RUN: &str = "r_Ab12Cd34Ef56Gh78";
const REPOSITORY: &str = "acme/gitops";

/// A story with a run and a resume in it; the steps before the resume are played whatever became of the run.
struct WaitScene {
    name: &'static str,
    /// `given` and `config`.
    world: &'static str,
    /// The deed between run and resume.
    between: &'static str,
}

const SCENES: [WaitScene; 3] = [
    WaitScene {
        name: "merged by the run",
        world: "",
        between: "advance = \"1m\"",
    },
    WaitScene {
        name: "merged by a person",
        world: "[config.policy.settings]\nmode = \"pull-request\"\n",
        between: "event = { merge = { repository = \"acme/gitops\" } }",
    },
    WaitScene {
        name: "merged by resume after a review",
        world: "[given.github.repositories.rules.main]\nrequired-approvals = 1\n",
        between: "event = { review = { repository = \"acme/gitops\", user = \"kim\", state = \"approved\" } }",
    },
];

/// The steps of every scene.
const START: usize = 0;
const WORKFLOW_DIES: usize = 2;
const LATER: usize = 3;
const LONG_AFTER: usize = 4;
const RESUME: usize = 5;

impl WaitScene {
    fn scenario(&self) -> Scenario {
        let (world, between) = (self.world, self.between);
        let (rules, config) = match world.starts_with("[config") {
            true => ("", world),
            false => (world, ""),
        };
        let text = format!(
            "title = \"{}\"\n\
             [[given.github.repositories]]\nname = \"{REPOSITORY}\"\ncollaborators = [\"kim\"]\n{rules}\
             [[given.github.repositories.actions.runs]]\nworkflow = \"promote-production.yml\"\ntitle = \"Port run {RUN}\"\n\
             {config}\
             [[step]]\n[[step]]\n{between}\n\
             [[step]]\nevent = {{ workflow-run = {{ repository = \"{REPOSITORY}\", workflow = \"promote-production.yml\", title = \"Port run {RUN}\", conclusion = \"failure\" }} }}\n\
             [[step]]\nadvance = \"40m\"\n[[step]]\nadvance = \"192h\"\n\
             [[step]]\ndo = \"resume\"\nexpect = {{ exit = 0 }}\n",
            self.name
        );
        Scenario::parse(&text, Path::new("resumed.toml")).unwrap()
    }
}

/// One scene, and the runner that plays it.
struct CrashBench {
    runner: Arc<ScenarioRunner>,
    scenario: Scenario,
}

impl CrashBench {
    async fn take(&self, world: World, step: usize) -> World {
        let step = &self.scenario.steps[step];
        let ran = self.runner.strike(&self.scenario, world, step, 0, None);
        ran.await.unwrap().after
    }

    /// Takes a step, killed at a request if there is one; tells whether it was.
    async fn struck(&self, world: World, step: usize, kill: Option<RequestKill>) -> (World, bool) {
        let Some(kill) = kill else {
            return (self.take(world, step).await, false);
        };
        let step = &self.scenario.steps[step];
        let killed = self.runner.kill(&self.scenario, world, step, kill).await;
        killed.unwrap()
    }

    /// Plays the scene with a run and a resume that are killed. Tells whether each was, and what does not agree in the end.
    async fn play(
        &self,
        run: Option<RequestKill>,
        resume: Option<RequestKill>,
    ) -> ([bool; 2], Result<(), String>) {
        let world = self.scenario.world.clone();
        let (world, run_killed) = self.struck(world, START, run).await;
        let mut world = self.take(world, START + 1).await;
        if run_killed {
            world = self.take(world, WORKFLOW_DIES).await;
        }
        let (world, resume_killed) = self.struck(world, RESUME, resume).await;
        let world = self.take(world, WORKFLOW_DIES).await;
        let result = self.settle(world).await;
        ([run_killed, resume_killed], result)
    }

    /// Has resumes go on until one finds nothing to do.
    async fn settle(&self, world: World) -> Result<(), String> {
        let mut world = self.take(world, LATER).await;
        for time in [LATER, LONG_AFTER] {
            for _ in 0..2 {
                world = self.take(world, RESUME).await;
            }
            world = self.take(world, time).await;
        }
        let step = &self.scenario.steps[RESUME];
        assert!(matches!(step.act, StepAction::Resume));
        let last = self.runner.strike(&self.scenario, world, step, 0, None);
        let last = last.await.unwrap();
        let writes = last.requests.iter().find(|request| {
            let is_read = request.method.as_str() == "GET"
                || ["/search", "/graphql", "/access_token"]
                    .iter()
                    .any(|end| request.path.ends_with(end));
            !is_read
        });
        if let Some(write) = writes {
            return Err(format!(
                "a resume finds something to do for ever: {} {}",
                write.method, write.path
            ));
        }
        agreed(&last.after)
    }
}

/// Says what of git, catalog and Port does not agree.
fn agreed(world: &World) -> Result<(), String> {
    let manifest = world
        .github
        .file_at(REPOSITORY, "main", "apps/web/prod/deployment.yaml")
        .unwrap();
    let runtime = world.port.entity("running_service", "web-prod").unwrap();
    let recorded = runtime.relations["image"].identifiers()[0].clone();
    let reference = format!("ghcr.io/acme/{}", recorded.replacen('-', ":", 1));
    if !manifest.contains(&reference) {
        return Err(format!(
            "the catalog names {recorded}, and git holds\n{manifest}"
        ));
    }
    let pulls = world.github.pull_requests(REPOSITORY);
    let is_merged = |state: &PullState| matches!(state, PullState::Merged { .. });
    if pulls.iter().filter(|pull| is_merged(&pull.state)).count() > 1 {
        return Err("it is merged twice".to_owned());
    }
    let run = &world.port.runs[RUN];
    if run.status == RunStatus::InProgress {
        return Err(format!("the run never ends; its label is {:?}", run.label));
    }
    let is_open = pulls.iter().any(|pull| pull.state == PullState::Open);
    if is_open && run.status == RunStatus::Success {
        return Err("the run has succeeded, and its pull request is open".to_owned());
    }
    Ok(())
}

/// Kills at every request of the run, at every request of the resume after a whole run, and at both: at each of the run's
/// and, beside it, one of the resume's, so that in the end each of those has its turn.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the matrix is there to be read")]
async fn wherever_run_and_resume_are_killed_the_next_resumes_make_it_good() {
    // The policy is compiled once.
    let runner = Arc::new(ScenarioRunner::new(BTreeMap::new()).unwrap());
    let tasks = SCENES.map(|scene| tokio::spawn(points(scene, Arc::clone(&runner))));
    let mut broken = Vec::new();
    for task in tasks {
        let (line, wrong) = task.await.unwrap();
        println!("{line}");
        broken.extend(wrong);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}

async fn points(scene: WaitScene, runner: Arc<ScenarioRunner>) -> (String, Vec<String>) {
    let bench = CrashBench {
        runner,
        scenario: scene.scenario(),
    };
    let (_, result) = bench.play(None, None).await;
    result.unwrap_or_else(|what| panic!("{}, undisturbed: {what}", scene.name));
    let kill = RequestKill {
        at: 3,
        has_effect: true,
    };
    let (world, _) = bench
        .struck(bench.scenario.world.clone(), START, Some(kill))
        .await;
    assert!(
        agreed(&world).is_err(),
        "{}: what nobody resumes agrees",
        scene.name
    );
    let mut broken = Vec::new();
    let mut counts = [0, 0, 0];
    for has_effect in [false, true] {
        let kill = |at| Some(RequestKill { at, has_effect });
        for (kind, count) in counts.iter_mut().enumerate() {
            for at in 1.. {
                let (run, resume) = match kind {
                    0 => (kill(at), None),
                    1 => (None, kill(at)),
                    _ => (kill(at), kill(1 + at * 5 % 23)),
                };
                let (killed, result) = bench.play(run, resume).await;
                if !killed[usize::from(kind == 1)] {
                    break;
                }
                *count += 1;
                if let Err(what) = result {
                    broken.push(format!("{}: {run:?}, {resume:?}: {what}", scene.name));
                }
            }
        }
    }
    let [runs, resumes, both] = counts;
    // A scene that sends no requests proves nothing.
    assert!(
        runs > 10 && resumes > 3,
        "{}: {runs}, {resumes}",
        scene.name
    );
    let line = format!(
        "{}: killed at {runs} points of the run, {resumes} of the resume, {both} of both; {} broken",
        scene.name,
        broken.len()
    );
    (line, broken)
}
