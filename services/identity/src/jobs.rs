//! What identity does in the background: messages with links and the removal of what has expired.

pub mod purge;
pub mod send_invitation;
pub mod send_link;
