//! later
pub(crate) async fn run(_at: crate::cli::Where, _reach: &crate::cli::Reach) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("later")
}
