//! Benchmarks against peers and physical limits, one command each. Figures are ratios within one run: these machines are
//! noisy, and a lone number says nothing.

mod fanout;
mod http;
mod ingest;
mod load;
mod node;
mod orders;
mod pgbench;
mod server;
mod stack;
mod town;
mod transcript;
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
    /// Positions in batches over HTTP, against `COPY` of the same rows.
    Ingest(ingest::Options),
    /// Orders created, and carried to the doorstep, against pgbench with the same statements.
    Orders(orders::Options),
    /// Messages to sockets, against Socket.IO and ws on Node.
    Fanout(fanout::Options),
    /// Three endpoints, against the same in NestJS and TypeORM.
    Stack(stack::Options),
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match Arguments::parse().what {
        What::Http(options) => runtime.block_on(http::run(&options)),
        What::Ingest(options) => runtime.block_on(ingest::run(&options)),
        What::Orders(options) => runtime.block_on(orders::run(&options)),
        What::Fanout(options) => runtime.block_on(fanout::run(&options)),
        What::Stack(options) => runtime.block_on(stack::run(&options)),
    }
}
