//! Whole-system stories.

mod backup;
mod broker;
mod browser;
mod consumer;
mod contract;
mod faults;
mod gps;
mod kill;
mod live_input;
mod load;
mod lunch;
mod order_kill;
mod outage;
mod pages;
mod pages_map;
mod passkey;
mod second_factor;
mod shared;
mod simulate;
mod sockets;
mod split;
