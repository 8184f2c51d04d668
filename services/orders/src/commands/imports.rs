//! Imports: kept as a preview, confirmed, undone, forgotten. What happens to their rows is in `import_rows`.

use jiff::SignedDuration;
use kernel::ids::{ImportId, ShopId};
use platform::audit::Entry;
use platform::db::Tx;
use platform::jobs::EnqueueOptions;
use platform::vault::Subject;
use platform::{Error, Result};
use serde_json::json;

use crate::context::Orders;
use crate::domain::import::State;
use crate::domain::import::columns::Mapping;
use crate::domain::sheet::Format;
use crate::entities::import::{AuditedImport, Counts, Import, Read};
use crate::error::{import_invalid, import_state, no_import};
use crate::jobs::clear_import::ClearImport;
use crate::jobs::run_import::RunImport;
use crate::jobs::undo_import::UndoImport;
use crate::store::{import_rows, imports};

/// How long what is about people is kept: of a preview until it is confirmed, of rows after the last was done. The same
/// file is noticed for as long.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A file that was read.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// Where its orders come from.
    pub shop_id: ShopId,
    /// In which its times were read.
    pub time_zone: String,
    /// SHA-256.
    pub hash: Vec<u8>,
    /// Which column is which field.
    pub mapping: Mapping,
    /// How it is written.
    pub format: Format,
    /// Its rows.
    pub rows: Vec<Read>,
}

impl NewImport {
    /// Its rows by what can become of them.
    pub fn counts(&self) -> Result<Counts> {
        let valid = self.rows.iter().filter(|row| row.order.is_ok()).count();
        let count = |rows: usize| i32::try_from(rows).map_err(Error::internal);
        Ok(Counts { valid: count(valid)?, invalid: count(self.rows.len() - valid)?, ..Counts::default() })
    }
}

/// An import of the same file in the last day that was not undone.
pub async fn same_file(tx: &mut Tx, hash: &[u8]) -> Result<Option<ImportId>> {
    let since = tx.now().checked_sub(KEPT).map_err(Error::internal)?;
    imports::same_file(tx, hash, since).await
}

/// Keeps a file as a preview. Nothing is made of it; after a day it is forgotten.
pub async fn preview(tx: &mut Tx, context: &Orders, new: &NewImport) -> Result<Import> {
    let now = tx.now();
    let import = Import {
        id: tx.id(),
        version: 1,
        state: State::Previewed,
        shop_id: new.shop_id,
        time_zone: new.time_zone.clone(),
        hash: new.hash.clone(),
        duplicate_of: same_file(tx, &new.hash).await?,
        mapping: new.mapping.clone(),
        format: new.format.clone(),
        counts: new.counts()?,
        subject: tx.id(),
        cleared_at: None,
        created_by: tx.scope().actor.clone(),
        confirmed_by: None,
        undone_by: None,
        created_at: now,
        finished_at: None,
        updated_at: now,
    };
    imports::insert(tx, &import).await?;
    import_rows::insert(tx, context.vault(), &import, &new.rows).await?;
    forget_later(tx, import.id).await?;
    let entry = Entry::new("create_order_import", "import", import.id);
    tx.audit(entry.after(&AuditedImport::from(&import))?).await?;
    Ok(import)
}

/// A day from now what is about people goes.
pub async fn forget_later(tx: &mut Tx, import: ImportId) -> Result<()> {
    let run_at = tx.now().checked_add(KEPT).map_err(Error::internal)?;
    tx.enqueue_with(&ClearImport { import_id: import }, EnqueueOptions { run_at: Some(run_at) }).await?;
    Ok(())
}

/// Begins to make the orders of the valid rows. Confirmed once more it answers how it stands.
pub async fn confirm(tx: &mut Tx, id: ImportId, only_if_all_valid: bool) -> Result<Import> {
    let mut import = imports::lock(tx, id).await?.ok_or_else(no_import)?;
    let entry = Entry::new("confirm_order_import", "import", id).before(&AuditedImport::from(&import))?;
    let begins = import.state.confirm().ok_or_else(|| import_state(import.state))?;
    if begins {
        if only_if_all_valid && import.counts.invalid > 0 {
            return Err(import_invalid(import.counts.invalid));
        }
        import.state = State::Running;
        import.confirmed_by = Some(tx.scope().actor.clone());
        imports::save(tx, &mut import).await?;
    }
    if import.state == State::Running {
        // Also for one whose job was lost: the rows say what is left to do.
        tx.enqueue(&RunImport { import_id: id }).await?;
    }
    let entry = entry.after(&AuditedImport::from(&import))?;
    tx.audit(entry.detail(json!({ "already": !begins }))).await?;
    Ok(import)
}

/// Begins to call off its orders that nobody is on the way for. Undone once more it answers how it stands.
pub async fn undo(tx: &mut Tx, id: ImportId) -> Result<Import> {
    let mut import = imports::lock(tx, id).await?.ok_or_else(no_import)?;
    let entry = Entry::new("undo_order_import", "import", id).before(&AuditedImport::from(&import))?;
    let begins = import.state.undo().ok_or_else(|| import_state(import.state))?;
    if begins {
        import.state = State::Undoing;
        import.undone_by = Some(tx.scope().actor.clone());
        imports::save(tx, &mut import).await?;
    }
    if import.state == State::Undoing {
        tx.enqueue(&UndoImport { import_id: id }).await?;
    }
    let entry = entry.after(&AuditedImport::from(&import))?;
    tx.audit(entry.detail(json!({ "already": !begins }))).await?;
    Ok(import)
}

/// Forgets what is about people, if its time has come: a preview with all its rows, of others what the rows were to be.
pub async fn clear(tx: &mut Tx, context: &Orders, id: ImportId) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let Some(mut import) = imports::lock(tx, id).await?.filter(|import| import.cleared_at.is_none()) else {
        return Ok(());
    };
    let since = if import.state == State::Previewed { Some(import.created_at) } else { import.finished_at };
    let working = matches!(import.state, State::Running | State::Undoing);
    if working || since.is_none_or(|since| since > now - KEPT) {
        return Ok(());
    }
    context.vault().destroy(tx, Subject::of_org(org, import.subject)).await?;
    if import.state == State::Previewed {
        imports::delete(tx, id).await?;
    } else {
        import_rows::clear(tx, id).await?;
        import.cleared_at = Some(now);
        imports::save(tx, &mut import).await?;
    }
    tx.audit(Entry::new("clear_order_import", "import", id)).await
}
