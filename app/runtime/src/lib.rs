//! Starts any set of services as one process, and everything that is done to an installation from its command line.
//!
//! Comes in: settings (file, environment, flags), a data folder, a PostgreSQL or the wish for a private one. Goes out:
//! a running process ([`boot`]), or an open [`Installation`] for a command. Nothing is global: the parts are values that
//! are handed to each other here, and only here services and adapters meet.
//!
//! Rules: the address is taken before anything is started; nothing is created for a start that is refused; what was
//! started is stopped, also when the start fails half-way.

pub mod anchors;
mod announce;
mod background;
pub mod backup;
mod boot;
mod connections;
mod database;
pub mod doctor;
pub mod documents;
mod edge;
mod erasures;
mod installation;
mod keys;
mod libpq;
mod limits;
pub mod master;
mod operator;
pub mod outside;
mod place;
mod probes;
pub mod restore;
mod roads;
mod rooms;
mod sandbox;
pub mod seed;
mod services;
mod settings;
mod split;
mod tls;
mod travel;
mod usage;

pub use announce::Announcement;
pub use boot::{How, Running, boot};
pub use installation::{Clocks, Installation};
pub use keys::role_password;
pub use place::Place;
pub use services::{SERVICES, Selection, manifests, permissions};
pub use settings::{Settings, Start};
pub use tls::Facts as TlsFacts;
pub use usage::{Usage, usage};
