//! Proofs of an order, with links to their pictures.

use kernel::ids::{FileId, OrderId, ProofId, SubjectId};
use platform::db::{Scope, Tx};
use platform::vault::Subject;
use platform::{Error, Result};

use crate::context::{Orders, Viewer};
use crate::entities::Proof;
use crate::error::no_order;
use crate::store::{orders, proofs};

/// A proof with links to its pictures.
#[derive(Debug)]
pub struct Shown {
    /// The proof.
    pub proof: Proof,
    /// The photo.
    pub photo: Option<String>,
    /// The signature.
    pub signature: Option<String>,
}

/// The proofs of an order that the caller sees, oldest first.
pub async fn of_order(context: &Orders, scope: &Scope, viewer: &Viewer, id: OrderId) -> Result<Vec<Shown>> {
    // Not read-only: the key of links is made with its first use.
    let mut tx = context.db().begin(scope).await?;
    let order = orders::find(&mut tx, id).await?;
    order.filter(|order| viewer.sees(order)).ok_or_else(no_order)?;
    let mut shown = Vec::new();
    for proof in proofs::of_order(&mut tx, context.vault(), id).await? {
        let photo = link(&mut tx, context, proof.photo, proof.subject).await?;
        let signature = link(&mut tx, context, proof.signature, proof.subject).await?;
        shown.push(Shown { proof, photo, signature });
    }
    tx.commit().await?;
    Ok(shown)
}

async fn link(
    tx: &mut Tx,
    context: &Orders,
    file: Option<FileId>,
    subject: SubjectId,
) -> Result<Option<String>> {
    let Some(file) = file else { return Ok(None) };
    let org = tx.org()?;
    let ground = context.ground();
    let token = ground.files.link(tx, file, Some(Subject::of_org(org, subject))).await?;
    Ok(Some(format!("{}/api/v1/files/{}/{token}", ground.public_url, crate::NAME)))
}

/// Whose key seals the pictures of a proof that the caller sees.
pub async fn subject(
    context: &Orders,
    scope: &Scope,
    viewer: &Viewer,
    id: OrderId,
    proof: ProofId,
) -> Result<Subject> {
    let mut tx = context.db().read(scope).await?;
    let org = tx.org()?;
    let order = orders::find(&mut tx, id).await?;
    order.filter(|order| viewer.sees(order)).ok_or_else(no_order)?;
    let known = proofs::of_order(&mut tx, context.vault(), id).await?;
    let found = known.into_iter().find(|one| one.id == proof);
    found.map(|found| Subject::of_org(org, found.subject)).ok_or_else(|| Error::not_found("proof"))
}
