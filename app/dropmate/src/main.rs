//! The program `dropmate`: a command line around the runtime. Each command has a file of its own in `commands`.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 wrong use.

mod cli;
mod commands;
mod failure;
mod session;

use std::process::ExitCode;

use clap::Parser;

/// A third of the program's time was spent in the C library, half of that in its allocator (`bench/RESULTS.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Both TLS stacks of the libraries use this one provider; it must be there before the first connection.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return failure::report(&anyhow::anyhow!("another TLS provider was installed before"));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&error.into()),
    };
    match runtime.block_on(Box::pin(commands::run(cli))) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
