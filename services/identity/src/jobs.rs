//! What identity does in the background: messages with links, the removal of what has expired, the rotation of
//! signing keys.

pub mod purge;
pub mod rotate_keys;
pub mod send_invitation;
pub mod send_link;
