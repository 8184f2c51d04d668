//! `cargo xtask bless`: rewrites everything that is generated and needs no database.

use anyhow::Result;

use crate::generated;
use crate::rules::migration_lock;
use crate::workspace::Workspace;

/// Notes new migrations, then rewrites the files that the binary generates.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let lock = migration_lock::blessed(&workspace);
    if workspace.text(migration_lock::LOCK) != Some(lock.as_str()) {
        std::fs::write(workspace.root.join(migration_lock::LOCK), lock)?;
        println!("wrote {}", migration_lock::LOCK);
    }
    generated::write(&workspace.root)
}
