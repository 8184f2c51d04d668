//! Files that the binary generates from the code, and the comparison with what is committed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::rules::Report;

/// A generated file and the arguments of `dropmate` that print it.
struct Generated {
    path: &'static str,
    arguments: &'static [&'static str],
}

const FILES: &[Generated] = &[
    Generated { path: "docs/reference/openapi.json", arguments: &["openapi"] },
    Generated { path: "docs/reference/asyncapi.json", arguments: &["docs", "asyncapi"] },
    Generated { path: "docs/reference/permissions.md", arguments: &["docs", "permissions"] },
    Generated { path: "docs/reference/config.schema.json", arguments: &["docs", "config-schema"] },
    Generated { path: "docs/reference/cli.md", arguments: &["docs", "cli"] },
];

/// Builds the binary and compares every generated file.
pub(crate) fn check(root: &Path) -> Result<Report> {
    build(root)?;
    let mut report = Report::default();
    for file in FILES {
        let fresh = generate(root, file)?;
        match std::fs::read(root.join(file.path)) {
            Ok(committed) if committed == fresh => {}
            Ok(_) => report.at(file.path, "differs from what the code generates: run script/bless"),
            Err(_) => report.at(file.path, "is missing: run script/bless"),
        }
    }
    Ok(report)
}

/// Builds the binary and rewrites every generated file.
pub(crate) fn write(root: &Path) -> Result<()> {
    build(root)?;
    for file in FILES {
        let fresh = generate(root, file)?;
        let path = root.join(file.path);
        if std::fs::read(&path).is_ok_and(|committed| committed == fresh) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, fresh).with_context(|| format!("writing {}", file.path))?;
        println!("wrote {}", file.path);
    }
    Ok(())
}

fn build(root: &Path) -> Result<()> {
    // `script/test` has built everything at once, with the features that its tests unify.
    if std::env::var_os("DROPMATE_TESTKIT_BUILT").is_some() {
        return Ok(());
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--profile", "up", "--package", "dropmate"])
        .status()?;
    ensure!(status.success(), "the binary does not build");
    Ok(())
}

fn generate(root: &Path, file: &Generated) -> Result<Vec<u8>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let output = Command::new(target.join("up/dropmate")).args(file.arguments).current_dir(root).output()?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("`dropmate {}` failed: {words}", file.arguments.join(" "));
    }
    Ok(output.stdout)
}
