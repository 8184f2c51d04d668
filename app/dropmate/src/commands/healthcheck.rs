//! `dropmate healthcheck`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use runtime::Selection;

use crate::cli::Where;

/// An answer that takes longer is no answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks `/readyz`.
#[expect(clippy::disallowed_methods, reason = "one request with a deadline of its own, outside any trace")]
pub(crate) async fn run(at: Where, url: Option<String>, services: &[String]) -> Result<ExitCode> {
    let selection = Selection::of(services)?;
    let mut client = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
    let base = if let Some(url) = url {
        url
    } else {
        let settings = at.settings(Vec::new())?;
        // The process beside is known by the authority in its data folder, and by no other.
        if let Some(authority) = settings.local_authority() {
            let authority = reqwest::Certificate::from_pem(&authority).context("tls/authority.crt")?;
            client = client.tls_certs_only([authority]);
        }
        settings.local_url(selection.name().as_deref())
    };
    let url = format!("{}/readyz", base.trim_end_matches('/'));
    let client = client.build()?;
    let answer = client.get(&url).send().await.with_context(|| format!("nobody answers at {url}"))?;
    let status = answer.status();
    let body: serde_json::Value = answer.json().await.unwrap_or_default();
    if status.is_success() {
        println!("ready");
        return Ok(ExitCode::SUCCESS);
    }
    let away = body["dependencies"].as_array().into_iter().flatten().filter(|one| one["ok"] == false);
    let names: Vec<&str> = away.filter_map(|one| one["name"].as_str()).collect();
    if names.is_empty() {
        bail!("not ready: {url} answered {status}");
    }
    bail!("not ready: {} away", names.join(", "))
}
