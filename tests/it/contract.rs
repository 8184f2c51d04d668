//! The API keeps what its document promises: schemathesis reads the document from the running program and sends it
//! thousands of requests, valid and not, with all checks and in all phases.
//!
//! The seed is fixed, and there is one worker: `ast.parse` of CPython 3.11, which hypothesis uses, fails at random in
//! threads ("AST constructor recursion depth mismatch"). What is excepted, and why, stands in
//! `tests/schemathesis.toml`; what a schema cannot say, in `tests/schemathesis_hooks.py`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;
use testkit::Proof;
use testkit::sandbox::{App, Shape};

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis.toml");

/// The tool, or `None` where it is not installed; in CI it must be.
fn tool() -> anyhow::Result<Option<PathBuf>> {
    let named = std::env::var_os("DROPMATE_SCHEMATHESIS").map(PathBuf::from);
    let installed = testkit::cluster::workspace().join(".tools/venv/bin/schemathesis");
    let found = named.into_iter().chain([installed]).find(|path| path.is_file());
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    ensure!(found.is_some() || !ci, "schemathesis is not installed: run script/setup");
    Ok(found)
}

/// The kinds of requests that are made up.
const ALL: &str = "examples,coverage,fuzzing,stateful";

/// Few examples of each operation are enough where only the shape is new; the full size asks for all of them again.
async fn contract(
    proof: &Proof,
    shape: Shape,
    (phases, examples): (&str, &str),
    wanted: usize,
) -> anyhow::Result<()> {
    let Some(tool) = tool()? else {
        eprintln!("SKIPPED: schemathesis is not installed; script/setup does it. Nothing was proven here.");
        return Ok(());
    };
    let dir = testkit::cluster::temp_dir("dropmate-contract-")?;
    let mut app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?;
    let me: Value = app
        .http()
        .get(app.url("/api/v1/users/me"))
        .bearer_auth(&owner.access_token)
        .send()
        .await?
        .json()
        .await?;
    let report = dir.path().join("report.json");
    let work = dir.path().join("work");
    std::fs::create_dir_all(&work)?;
    let mut command = Command::new(tool);
    command
        .current_dir(&work)
        .env("DROPMATE_TOKEN", &owner.access_token)
        .env("DROPMATE_ORGANIZATION", &owner.organization_id)
        .env("DROPMATE_USER", me["id"].as_str().context("no user")?)
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis_hooks.py"))
        .args(["--config-file", CONFIG, "run", &app.url("/api/v1/openapi.json")])
        .args(["--seed", "20261120", "--mode", "all", "--checks", "all", "--workers", "1", "--no-color"])
        .args(["--phases", phases, "--max-examples", examples, "--suppress-health-check", "all"])
        .args(["--report", "json", "--report-json-path"])
        .arg(&report);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the contract is broken:\n{text}\n{errors}");
    let cases = cases(&text).with_context(|| format!("no number of cases in:\n{text}"))?;
    ensure!(cases >= wanted, "only {cases} cases of {wanted}");
    let report: Value = serde_json::from_slice(&std::fs::read(&report)?)?;
    ensure!(report.is_object(), "no report");
    proof.report(&format!(
        "{cases} cases, seed 20261120, phases {phases}, all checks: 0 server errors, 0 contract violations"
    ));
    app.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_api_contract() -> anyhow::Result<()> {
    let proof = Proof::new("API contract (schemathesis)");
    let (how, wanted) = (proof.size(("examples,coverage", "1"), (ALL, "150")), proof.size(2000, 20_000));
    Box::pin(contract(&proof, Shape::Whole, how, wanted)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_api_contract_split() -> anyhow::Result<()> {
    let proof = Proof::new("API contract of a split installation (schemathesis)");
    let (how, wanted) = (proof.size(("fuzzing", "2"), (ALL, "150")), proof.size(150, 20_000));
    Box::pin(contract(&proof, Shape::Split, how, wanted)).await
}

/// From the summary: "2134 generated, 2134 passed, 32 skipped".
fn cases(text: &str) -> Option<usize> {
    let line = text.lines().find(|line| line.contains(" generated, "))?;
    line.split_whitespace().find_map(|word| word.replace(',', "").parse().ok())
}
