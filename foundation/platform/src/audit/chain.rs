//! Sealing committed entries into chains, and checking the chains.

use hmac::{Hmac, KeyInit, Mac};
use kernel::ids::Uuid;
use kernel::time::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use crate::Result;
use crate::db::{SystemDb, ToSqlx};

/// The key of the chain's MACs. It lives outside the database.
#[derive(Clone)]
pub struct AuditKey {
    id: String,
    secret: SecretSlice<u8>,
}

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl AuditKey {
    /// A key under its id.
    pub fn new(id: impl Into<String>, secret: SecretSlice<u8>) -> Self {
        Self { id: id.into(), secret }
    }

    fn mac(&self, org: Uuid, sequence: i64, previous: &[u8], entry: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.secret.expose_secret())
            .unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
        mac.update(org.as_bytes());
        mac.update(&sequence.to_be_bytes());
        mac.update(previous);
        mac.update(entry);
        mac.finalize().into_bytes().to_vec()
    }

    /// The id under which chains name it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The MAC of a text of another kind than a link; `kind` keeps the two apart.
    pub(crate) fn keyed(&self, kind: &str) -> Hmac<sha2::Sha256> {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.secret.expose_secret())
            .unwrap_or_else(|_| unreachable!("HMAC accepts keys of any length"));
        mac.update(kind.as_bytes());
        mac.update(b"\0");
        mac
    }
}

/// The canonical bytes of an entry, made by the database so that reading and sealing cannot differ: every column, each
/// with its length in front.
const CANONICAL: &str = "SELECT e.id, e.org_id,
    convert_to(jsonb_build_array(e.id, e.org_id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), e.service,
        e.actor, e.role, e.action, e.object_type, e.object_id, encode(e.before_hash, 'hex'), encode(e.after_hash, 'hex'),
        e.request_id, e.trace, e.detail)::text, 'UTF8') AS canonical
  FROM platform.audit_entries e";

/// Appends up to `limit` committed entries that no chain holds yet; how many were sealed.
pub async fn seal(system: &SystemDb, key: &AuditKey, limit: i64) -> Result<usize> {
    let mut tx = system.begin().await?;
    // One sealer at a time; the second finds nothing to do.
    let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('dropmate.audit'))")
        .fetch_one(tx.conn())
        .await?;
    if !locked {
        return Ok(0);
    }
    let sql = format!(
        "{CANONICAL} LEFT JOIN platform.audit_chain c ON c.entry_id = e.id WHERE c.entry_id IS NULL ORDER BY e.id LIMIT $1"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(tx.conn()).await?;
    for row in &rows {
        append(tx.conn(), key, row).await?;
    }
    tx.commit().await?;
    Ok(rows.len())
}

/// Age of the oldest committed entry that no chain holds, in seconds of business time; 0 when all are sealed.
pub async fn unsealed_age_s(system: &SystemDb, now: Timestamp) -> Result<f64> {
    let age: Option<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM $1 - min(e.at))::double precision FROM platform.audit_entries e
          WHERE NOT EXISTS (SELECT FROM platform.audit_chain c WHERE c.entry_id = e.id)",
    )
    .bind(now.to_sqlx())
    .fetch_one(system.pool())
    .await?;
    Ok(age.unwrap_or(0.0).max(0.0))
}

async fn append(conn: &mut PgConnection, key: &AuditKey, row: &PgRow) -> Result<()> {
    let (entry, org): (Uuid, Uuid) = (row.try_get("id")?, row.try_get("org_id")?);
    let canonical: Vec<u8> = row.try_get("canonical")?;
    let head = sqlx::query("SELECT sequence, mac FROM platform.audit_heads WHERE org_id = $1 FOR UPDATE")
        .bind(org)
        .fetch_optional(&mut *conn)
        .await?;
    let (last, previous): (i64, Vec<u8>) = match head {
        Some(head) => (head.try_get("sequence")?, head.try_get("mac")?),
        None => (0, vec![0; 32]),
    };
    let mac = key.mac(org, last + 1, &previous, &canonical);
    sqlx::query(
        "WITH link AS (
             INSERT INTO platform.audit_chain (org_id, sequence, entry_id, previous, mac, key_id)
             VALUES ($1, $2, $3, $4, $5, $6))
         INSERT INTO platform.audit_heads (org_id, sequence, mac) VALUES ($1, $2, $5)
         ON CONFLICT (org_id) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac",
    )
    .bind(org)
    .bind(last + 1)
    .bind(entry)
    .bind(previous)
    .bind(mac)
    .bind(&key.id)
    .execute(conn)
    .await?;
    Ok(())
}

/// A place where the trail does not fit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The organisation (nil: the installation).
    pub org_id: Uuid,
    /// The place in its chain.
    pub sequence: i64,
    /// What is wrong.
    pub what: String,
}

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Links that were checked.
    pub checked: i64,
    /// Committed entries that are not sealed yet.
    pub unsealed: i64,
    /// Links noted outside the database that were compared.
    pub anchors: usize,
    /// Everything that does not fit; empty means intact.
    pub findings: Vec<Finding>,
}

/// Where a chain stood at some time. Kept outside the database (signed, daily), it shows what the chain itself cannot:
/// that its end was cut off together with its head.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Anchor {
    /// The organisation (nil: the installation).
    pub org_id: Uuid,
    /// The last link.
    pub sequence: i64,
    /// Its MAC, as hexadecimal digits.
    pub mac: String,
}

/// Where all chains stand now.
pub async fn anchors(system: &SystemDb) -> Result<Vec<Anchor>> {
    let rows = sqlx::query(
        "SELECT org_id, sequence, encode(mac, 'hex') AS mac FROM platform.audit_heads ORDER BY org_id",
    )
    .fetch_all(system.pool())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Anchor {
                org_id: row.try_get("org_id")?,
                sequence: row.try_get("sequence")?,
                mac: row.try_get("mac")?,
            })
        })
        .collect()
}

/// Checks that the chains still contain the links that were noted outside.
pub async fn verify_anchors(system: &SystemDb, anchors: &[Anchor]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for anchor in anchors {
        let mac: Option<String> = sqlx::query_scalar(
            "SELECT encode(mac, 'hex') FROM platform.audit_chain WHERE org_id = $1 AND sequence = $2",
        )
        .bind(anchor.org_id)
        .bind(anchor.sequence)
        .fetch_optional(system.pool())
        .await?;
        if mac.as_ref() != Some(&anchor.mac) {
            findings.push(Finding {
                org_id: anchor.org_id,
                sequence: anchor.sequence,
                what: "the link that was noted outside the database is missing or another one".to_owned(),
            });
        }
    }
    Ok(findings)
}

/// Walks every chain from its beginning.
pub async fn verify(system: &SystemDb, key: &AuditKey) -> Result<Report> {
    let mut tx = system.begin().await?;
    let sql = format!(
        "SELECT c.org_id AS chain_org, c.sequence, c.previous, c.mac, c.key_id, x.org_id AS entry_org, x.canonical,
                h.sequence AS head_sequence, h.mac AS head_mac
           FROM platform.audit_chain c
           LEFT JOIN ({CANONICAL}) x ON x.id = c.entry_id
           LEFT JOIN platform.audit_heads h ON h.org_id = c.org_id
          ORDER BY c.org_id, c.sequence"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(tx.conn()).await?;
    let mut report = Report { checked: i64::try_from(rows.len()).unwrap_or(i64::MAX), ..Report::default() };
    let mut walk = Walk::default();
    for row in &rows {
        walk.step(key, row, &mut report.findings)?;
    }
    walk.end(&mut report.findings);
    missing_chains(tx.conn(), &mut report.findings).await?;
    report.unsealed = sqlx::query_scalar(
        "SELECT count(*) FROM platform.audit_entries e
          WHERE NOT EXISTS (SELECT FROM platform.audit_chain c WHERE c.entry_id = e.id)",
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(report)
}

async fn missing_chains(conn: &mut PgConnection, findings: &mut Vec<Finding>) -> Result<()> {
    let rows = sqlx::query(
        "SELECT h.org_id, h.sequence FROM platform.audit_heads h
          WHERE NOT EXISTS (SELECT FROM platform.audit_chain c WHERE c.org_id = h.org_id)",
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        findings.push(Finding {
            org_id: row.try_get("org_id")?,
            sequence: 0,
            what: format!(
                "the whole chain is missing; its head says {} links",
                row.try_get::<i64, _>("sequence")?
            ),
        });
    }
    Ok(())
}

#[derive(Default)]
struct Walk {
    org: Option<Uuid>,
    sequence: i64,
    mac: Vec<u8>,
    head: Option<(i64, Vec<u8>)>,
}

impl Walk {
    fn step(&mut self, key: &AuditKey, row: &PgRow, findings: &mut Vec<Finding>) -> Result<()> {
        let org: Uuid = row.try_get("chain_org")?;
        if self.org != Some(org) {
            self.end(findings);
            let head: Option<i64> = row.try_get("head_sequence")?;
            let head_mac: Option<Vec<u8>> = row.try_get("head_mac")?;
            *self = Self { org: Some(org), sequence: 0, mac: vec![0; 32], head: head.zip(head_mac) };
        }
        let sequence: i64 = row.try_get("sequence")?;
        let (previous, mac): (Vec<u8>, Vec<u8>) = (row.try_get("previous")?, row.try_get("mac")?);
        let mut found = |what: &str| findings.push(Finding { org_id: org, sequence, what: what.to_owned() });
        if sequence != self.sequence + 1 {
            found("links before this one are missing");
        }
        if previous != self.mac {
            found("does not continue the link before it");
        }
        let key_id: String = row.try_get("key_id")?;
        if key_id != key.id {
            found(&format!("is sealed with the key {key_id}, checked with {}", key.id));
        }
        match row.try_get::<Option<Vec<u8>>, _>("canonical")? {
            None => found("its entry was deleted"),
            Some(canonical) => {
                if row.try_get::<Option<Uuid>, _>("entry_org")? != Some(org) {
                    found("its entry belongs to another organisation");
                }
                if key.mac(org, sequence, &previous, &canonical) != mac {
                    found("the entry or its link was changed");
                }
            }
        }
        self.sequence = sequence;
        self.mac = mac;
        Ok(())
    }

    fn end(&mut self, findings: &mut Vec<Finding>) {
        let Some(org_id) = self.org else { return };
        let fits =
            self.head.as_ref().is_some_and(|(sequence, mac)| *sequence == self.sequence && *mac == self.mac);
        if !fits {
            findings.push(Finding {
                org_id,
                sequence: self.sequence,
                what: "the end of the chain is not where its head says".to_owned(),
            });
        }
    }
}
