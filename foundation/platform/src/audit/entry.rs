//! Writing one entry.

use kernel::ids::AuditId;
use kernel::time::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;

use crate::Result;
use crate::db::{Scope, SystemTx, ToSqlx, Tx};

/// What a transaction did to one object.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Operation id, job or consumer.
    pub action: &'static str,
    /// The kind of object (`organization`, `membership`).
    pub object_type: &'static str,
    /// Its identifier as text.
    pub object_id: String,
    /// Hash of the state before; `None` for a creation.
    pub before: Option<[u8; 32]>,
    /// Hash of the state after; `None` for a deletion.
    pub after: Option<[u8; 32]>,
    /// Identifiers and reasons.
    pub detail: serde_json::Value,
}

impl Entry {
    /// An entry about one object.
    pub fn new(action: &'static str, object_type: &'static str, object_id: impl std::fmt::Display) -> Self {
        Self {
            action,
            object_type,
            object_id: object_id.to_string(),
            before: None,
            after: None,
            detail: serde_json::json!({}),
        }
    }

    /// The state before.
    pub fn before<T: serde::Serialize>(mut self, state: &T) -> Result<Self> {
        self.before = Some(state_hash(state)?);
        Ok(self)
    }

    /// The state after.
    pub fn after<T: serde::Serialize>(mut self, state: &T) -> Result<Self> {
        self.after = Some(state_hash(state)?);
        Ok(self)
    }

    /// Identifiers and reasons; never personal data.
    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }
}

/// SHA-256 of the state as JSON with sorted keys: the same state gives the same hash on every machine.
pub fn state_hash<T: serde::Serialize>(state: &T) -> Result<[u8; 32]> {
    // serde_json's map is ordered by key (the `preserve_order` feature is off), which makes this canonical.
    let canonical = serde_json::to_vec(&serde_json::to_value(state)?)?;
    Ok(Sha256::digest(&canonical).into())
}

impl Tx {
    /// Records what this transaction does. Every mutating operation does so at least once.
    pub async fn audit(&mut self, entry: Entry) -> Result<()> {
        let (id, now, scope) = (self.id(), self.now(), self.scope().clone());
        insert(self.conn(), id, now, &scope, &entry).await?;
        self.audited += 1;
        Ok(())
    }
}

impl SystemTx {
    /// Records what an operator did across organisations, at this business time.
    pub async fn audit(&mut self, id: AuditId, at: Timestamp, scope: &Scope, entry: Entry) -> Result<()> {
        insert(self.conn(), id, at, scope, &entry).await
    }
}

async fn insert(
    conn: &mut PgConnection,
    id: AuditId,
    at: Timestamp,
    scope: &Scope,
    entry: &Entry,
) -> Result<()> {
    let org = scope.org.map(kernel::ids::OrgId::uuid).unwrap_or_default();
    sqlx::query(
        "INSERT INTO platform.audit_entries (id, org_id, at, actor, role, action, object_type, object_id,
                                             before_hash, after_hash, request_id, trace, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(id.uuid())
    .bind(org)
    .bind(at.to_sqlx())
    .bind(&scope.actor)
    .bind(scope.role.as_str())
    .bind(entry.action)
    .bind(entry.object_type)
    .bind(&entry.object_id)
    .bind(entry.before.as_ref().map(<[u8; 32]>::as_slice))
    .bind(entry.after.as_ref().map(<[u8; 32]>::as_slice))
    .bind(scope.request.map(|request| request.to_string()))
    .bind(&scope.trace)
    .bind(&entry.detail)
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_fields() {
        let a = serde_json::json!({ "a": 1, "b": [2, 3] });
        let b: serde_json::Value = serde_json::from_str(r#"{ "b": [2,3], "a": 1 }"#).unwrap();
        assert_eq!(state_hash(&a).unwrap(), state_hash(&b).unwrap());
    }

    /// Pins the bytes: a change of the canonical form would make every old hash look wrong.
    #[test]
    fn the_canonical_form_is_pinned() {
        let hash = state_hash(&serde_json::json!({ "name": "Café", "version": 3 })).unwrap();
        assert_eq!(
            hex::encode(hash),
            hex::encode(Sha256::digest("{\"name\":\"Café\",\"version\":3}".as_bytes()))
        );
    }
}
