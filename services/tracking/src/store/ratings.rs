//! What customers said. The comment is sealed.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{OrderId, RatingId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::db::Tx;
use platform::vault::{Place, Private, Subject, Vault};

const TABLE: &str = "tracking.ratings";

/// A rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// Identifier.
    pub id: RatingId,
    /// 1 to 5.
    pub stars: i16,
    /// What the customer wrote; gone after an erasure.
    pub comment: Option<Private>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The rating of an order.
pub async fn find(tx: &mut Tx, vault: &Vault, order: OrderId) -> Result<Option<Rating>> {
    let org = tx.org()?;
    let row = sqlx::query!(
        r#"SELECT id, subject, stars, comment, created_at AS "created_at: SqlTime", updated_at AS "updated_at: SqlTime"
             FROM tracking.ratings WHERE org_id = $1 AND order_id = $2"#,
        org.uuid(),
        order.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let comment = match row.comment {
        Some(sealed) => {
            let key = vault.existing(tx, Subject::of_org(org, row.subject)).await?;
            key.map(|key| key.open(Place::new(TABLE, "comment", row.id), &sealed)).transpose()?
        }
        None => None,
    };
    Ok(Some(Rating {
        id: RatingId::new(row.id),
        stars: row.stars,
        comment,
        created_at: row.created_at.to_jiff(),
        updated_at: row.updated_at.to_jiff(),
    }))
}

/// Writes the rating of an order, whose row is locked. The subject is the customer where one is known, otherwise the rating
/// itself.
pub async fn save(
    tx: &mut Tx,
    vault: &Vault,
    order: OrderId,
    id: RatingId,
    (subject, stars, comment): (Uuid, i16, Option<&Private>),
) -> Result<()> {
    let (org, now) = (tx.org()?, tx.now());
    let sealed = match comment {
        Some(text) => {
            let key = vault.subject(tx, Subject::of_org(org, subject)).await?;
            Some(key.seal(Place::new(TABLE, "comment", id), text)?)
        }
        None => None,
    };
    sqlx::query!(
        "INSERT INTO tracking.ratings (org_id, order_id, id, subject, stars, comment, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (org_id, order_id) DO UPDATE
            SET version = ratings.version + 1, subject = excluded.subject, stars = excluded.stars,
                comment = excluded.comment, updated_at = excluded.updated_at",
        org.uuid(),
        order.uuid(),
        id.uuid(),
        subject,
        stars,
        sealed,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
