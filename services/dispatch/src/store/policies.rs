//! What organisations want.

use jiff_sqlx::ToSqlx;
use platform::db::{Locked, Tx};
use platform::{Error, Result};

use crate::domain::policy::{Escalation, Policy, StrategyKind};

struct Row {
    version: i64,
    strategy: String,
    offers: bool,
    max_orders: i32,
    radius_m: Option<i32>,
    wait_s: i32,
    lead_s: i32,
    offer_s: i32,
    breadth: i32,
    rounds: i32,
    escalation: String,
}

impl TryFrom<Row> for (Policy, i64) {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unknown = |word: &str| Error::internal(format!("dispatch.policies: {word}"));
        let policy = Policy {
            strategy: StrategyKind::parse(&row.strategy).ok_or_else(|| unknown(&row.strategy))?,
            offers: row.offers,
            max_orders: u16::try_from(row.max_orders).map_err(Error::internal)?,
            radius_m: row.radius_m.map(u32::try_from).transpose().map_err(Error::internal)?,
            wait_s: u32::try_from(row.wait_s).map_err(Error::internal)?,
            lead_s: u32::try_from(row.lead_s).map_err(Error::internal)?,
            offer_s: u32::try_from(row.offer_s).map_err(Error::internal)?,
            breadth: u16::try_from(row.breadth).map_err(Error::internal)?,
            rounds: u16::try_from(row.rounds).map_err(Error::internal)?,
            escalation: Escalation::parse(&row.escalation).ok_or_else(|| unknown(&row.escalation))?,
        };
        Ok((policy, row.version))
    }
}

fn whole(value: u32) -> Result<i32> {
    i32::try_from(value).map_err(Error::internal)
}

/// Makes the row of the organisation if it is not there.
pub async fn ensure(tx: &mut Tx) -> Result<()> {
    let (org, now, usual) = (tx.org()?, tx.now(), Policy::default());
    sqlx::query!(
        "INSERT INTO dispatch.policies (org_id, strategy, offers, max_orders, radius_m, wait_s, lead_s, offer_s, breadth,
                                        rounds, escalation, updated_at)
         VALUES ($1, $2, $3, $4, NULL, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        org.uuid(),
        usual.strategy.as_str(),
        usual.offers,
        i32::from(usual.max_orders),
        whole(usual.wait_s)?,
        whole(usual.lead_s)?,
        whole(usual.offer_s)?,
        i32::from(usual.breadth),
        i32::from(usual.rounds),
        usual.escalation.as_str(),
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The policy and its version; the usual one, version 0, where nobody has looked yet.
pub async fn find(tx: &mut Tx) -> Result<(Policy, i64)> {
    let org = tx.org()?;
    let row = sqlx::query_as!(
        Row,
        "SELECT version, strategy, offers, max_orders, radius_m, wait_s, lead_s, offer_s, breadth, rounds, escalation
           FROM dispatch.policies WHERE org_id = $1",
        org.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map_or_else(|| Ok((Policy::default(), 0)), <(Policy, i64)>::try_from)
}

/// The same, and locks it; the row must be there ([`ensure`]).
pub async fn lock(tx: &mut Tx) -> Result<(Policy, i64)> {
    let org = tx.org()?;
    sqlx::query_as!(
        Row,
        "SELECT version, strategy, offers, max_orders, radius_m, wait_s, lead_s, offer_s, breadth, rounds, escalation
           FROM dispatch.policies WHERE org_id = $1 FOR UPDATE",
        org.uuid(),
    )
    .fetch_one(tx.conn())
    .await?
    .try_into()
}

/// Writes a locked policy.
pub async fn update(tx: &mut Tx, policy: &Policy) -> Result<Locked> {
    let (org, now) = (tx.org()?, tx.now());
    let version = sqlx::query_scalar!(
        "UPDATE dispatch.policies
            SET strategy = $2, offers = $3, max_orders = $4, radius_m = $5, wait_s = $6, lead_s = $7, offer_s = $8,
                breadth = $9, rounds = $10, escalation = $11, updated_at = $12, version = version + 1
          WHERE org_id = $1 RETURNING version",
        org.uuid(),
        policy.strategy.as_str(),
        policy.offers,
        i32::from(policy.max_orders),
        policy.radius_m.map(whole).transpose()?,
        whole(policy.wait_s)?,
        whole(policy.lead_s)?,
        whole(policy.offer_s)?,
        i32::from(policy.breadth),
        i32::from(policy.rounds),
        policy.escalation.as_str(),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(org, version))
}
