//! One command per file.

mod audit;
mod backup;
mod bus;
mod config;
mod docs;
mod doctor;
mod healthcheck;
mod keys;
pub(crate) mod map;
mod migrate;
mod openapi;
mod owner_link;
mod restore;
mod role_password;
mod seed;
pub(crate) mod simulate;
mod up;
mod user;
mod vault;

use std::process::ExitCode;

use anyhow::Result;
use runtime::How;

use crate::cli::{Cli, Command};

/// Does what the command line asks for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Up { at, reach, demo } => up::run(at, &reach, How::Up, demo).await,
        Command::Serve { at, reach, services } => up::run(at, &reach, How::Serve(services), false).await,
        Command::Migrate { at, services, check } => migrate::run(at, &services, check).await,
        Command::Healthcheck { at, url, services } => healthcheck::run(at, url, &services).await,
        Command::RolePassword { at, role } => role_password::run(at, &role),
        Command::Config { at, action } => config::run(at, &action),
        Command::Doctor { at, reach } => doctor::run(at, &reach).await,
        Command::OwnerLink { at } => owner_link::run(at).await,
        Command::User { at, action } => user::run(at, action).await,
        Command::Keys { at, action } => keys::run(at, &action).await,
        Command::Vault { at, action } => vault::run(at, action).await,
        Command::Bus { at, action } => bus::run(at, action).await,
        Command::Audit { at, action } => audit::run(at, &action).await,
        Command::Backup { at, file } => backup::run(at, &file).await,
        Command::Restore { at, file, keys } => restore::run(at, &file, keys.as_deref()).await,
        Command::Map { at, action } => map::run(at, action),
        Command::Seed { at } => seed::run(at).await,
        Command::Simulate { what } => simulate::run(what).await,
        Command::Openapi => openapi::run(),
        Command::Docs { document } => docs::run(document),
    }
}
