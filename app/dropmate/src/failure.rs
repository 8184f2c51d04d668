//! What is said when a command fails, and with which exit code.

use std::process::ExitCode;

use runtime::Usage;

/// Prints the reason and chooses the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let text = chain(error);
    eprintln!("dropmate: {}", platform::telemetry::scrub(&text));
    if error.chain().any(|cause| cause.is::<Usage>() || cause.is::<platform::config::ConfigError>()) {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// The causes in one line. Many errors already repeat their cause in their own text.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let part = cause.to_string();
        if text.contains(&part) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("away").context("the database: away").context("cannot start");
        assert_eq!(chain(&error), "cannot start: the database: away");
    }
}
