//! The program from outside: real processes on free ports, data in folders of their own.

mod backup;
mod beside;
mod life;
mod plain_user;
mod refusals;
mod schema;
mod sim_clock;
mod support;
