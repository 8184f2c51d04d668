//! What orders does in the background.

pub mod clear_import;
pub mod make_recurring;
pub mod run_import;
pub mod undo_import;
