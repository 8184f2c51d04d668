//! later
pub(crate) async fn run(_at: crate::cli::Where, _file: &std::path::Path) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("later")
}
