//! Benchmarks against peers and physical limits, one command each. Figures are ratios within one run: these machines are
//! noisy, and a lone number says nothing.

mod http;
mod load;
mod pgbench;
mod usage;

use clap::{Parser, Subcommand};

/// Measures DropMate against peers in the same run.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Authenticated read and idempotent write through the whole stack, against pgbench replaying the same statements.
    Http(http::Options),
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match Arguments::parse().what {
        What::Http(options) => runtime.block_on(http::run(&options)),
    }
}
