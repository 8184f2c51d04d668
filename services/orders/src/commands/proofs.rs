//! Capturing proof. What was captured is never changed; pictures are added to it.

use std::collections::BTreeSet;

use contracts::orders::ProofCaptured;
use kernel::geo::Position;
use kernel::ids::{FileId, OrderId, ProofId};
use kernel::time::Timestamp;
use platform::audit::Entry;
use platform::db::{Locked, Tx};
use platform::vault::Private;
use platform::{Error, Result};
use serde_json::json;

use super::{locked, steps};
use crate::context::{Orders, Viewer};
use crate::domain::proof::{self, Kind, Stop, judge_pin};
use crate::domain::status::Refusal;
use crate::entities::{Order, Proof};
use crate::error;
use crate::store::events::{self, NewEvent};
use crate::store::{pins, proofs};

/// What a device captured.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Where.
    pub stop: Stop,
    /// Who signed.
    pub signature_name: Option<Private>,
    /// A presented PIN.
    pub pin: Option<Private>,
    /// What was read.
    pub barcodes: Vec<String>,
    /// What was said.
    pub notes: Option<Private>,
    /// Somebody looked at a document.
    pub age_confirmed: bool,
    /// By the device's clock.
    pub at: Option<Timestamp>,
    /// Where the device was.
    pub position: Option<Position>,
}

/// What became of it.
#[derive(Debug)]
pub enum Captured {
    /// It is kept.
    Kept(Box<Proof>),
    /// The PIN was not accepted: the try is counted, nothing else is kept.
    Refused(Error),
}

/// Keeps what was captured at a stop of an order.
pub async fn capture(
    tx: &mut Tx,
    context: &Orders,
    viewer: &Viewer,
    id: OrderId,
    new: &Capture,
) -> Result<Captured> {
    let order = locked(tx, viewer, id).await?;
    let at = steps::moment(tx, new.at)?.min(tx.now());
    if order.driver().is_none() {
        return Err(error::refused(&order, Refusal::Nobody));
    }
    if let Some(pin) = &new.pin
        && let Some(refusal) = check_pin(tx, context, id, new.stop, pin).await?
    {
        return Ok(Captured::Refused(refusal));
    }
    let proof = Proof {
        id: tx.id(),
        order_id: id,
        version: 1,
        stop: new.stop,
        attempt: i16::try_from(order.movement.attempt()).map_err(Error::internal)?,
        at,
        recorded_at: tx.now(),
        by: tx.scope().actor.clone(),
        position: new.position,
        subject: order.stop(new.stop).subject,
        signature_name: new.signature_name.clone(),
        notes: new.notes.clone(),
        barcodes: new.barcodes.clone(),
        pin: new.pin.is_some(),
        age_confirmed: new.age_confirmed,
        photo: None,
        signature: None,
    };
    proofs::insert(tx, context.vault(), &proof).await?;
    let kinds = kinds(&proof);
    tell(tx, context, &order, &proof, Locked::new(proof.id, 1), &kinds).await?;
    let detail = json!({ "order": id.to_string(), "stop": new.stop.as_str() });
    tx.audit(Entry::new("capture_proof", "proof", proof.id).detail(detail)).await?;
    Ok(Captured::Kept(Box::new(proof)))
}

fn kinds(proof: &Proof) -> BTreeSet<Kind> {
    let had = [
        (Kind::Pin, proof.pin),
        (Kind::Barcodes, !proof.barcodes.is_empty()),
        (Kind::Notes, proof.notes.is_some()),
        (Kind::MinimumAge, proof.age_confirmed),
    ];
    had.into_iter().filter(|(_, had)| *had).map(|(kind, _)| kind).collect()
}

/// Tells that something was captured, if something was: a frame for pictures alone proves nothing yet.
async fn tell(
    tx: &mut Tx,
    context: &Orders,
    order: &Order,
    proof: &Proof,
    locked: Locked,
    kinds: &BTreeSet<Kind>,
) -> Result<()> {
    if kinds.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
    let event = NewEvent {
        kind: "proof",
        from: order.movement.status().as_str(),
        at: proof.at,
        position: proof.position,
        reason: None,
        note: None,
        detail: json!({ "proof": proof.id.to_string(), "stop": proof.stop.as_str(), "kinds": words }),
    };
    events::append(tx, context.vault(), order, event).await?;
    let stop = proof.stop.as_str().to_owned();
    let event = ProofCaptured { order_id: order.id, proof_id: proof.id, stop, kinds: words, at: proof.at };
    tx.publish(locked, &event)
}

/// Checks a PIN and counts a wrong one; the refusal, if it is not accepted.
async fn check_pin(
    tx: &mut Tx,
    context: &Orders,
    id: OrderId,
    stop: Stop,
    pin: &Private,
) -> Result<Option<Error>> {
    let known = pins::check(tx, context.vault(), id, stop, pin).await?;
    let (matches, wrong) = known.ok_or_else(error::pin_unset)?;
    let Some(refusal) = error::pin(id, judge_pin(matches, wrong)) else { return Ok(None) };
    pins::wrong(tx, id, stop).await?;
    let detail = json!({ "stop": stop.as_str(), "code": refusal.code() });
    tx.audit(Entry::new("capture_proof", "order", id).detail(detail)).await?;
    Ok(Some(refusal))
}

/// Sets the PIN of a stop anew; wrong tries are forgotten.
pub async fn set_pin(tx: &mut Tx, context: &Orders, id: OrderId, stop: Stop, pin: &Private) -> Result<()> {
    let order = locked(tx, &Viewer::Staff, id).await?;
    if order.movement.is_over() {
        return Err(error::too_late(&order, &["pins"]));
    }
    pins::set(tx, context.vault(), &order, stop, pin).await?;
    tx.audit(Entry::new("set_order_pin", "order", id).detail(json!({ "stop": stop.as_str() }))).await
}

/// Makes the PIN of the drop-off where one is asked for and none was set: the customer's page says it.
pub async fn make_pin(tx: &mut Tx, context: &Orders, order: &Order) -> Result<()> {
    if !order.proof.at(Stop::Dropoff).asks_for_pin() || pins::is_set(tx, order.id, Stop::Dropoff).await? {
        return Ok(());
    }
    let pin = Private::from(proof::pin(tx.random()));
    pins::set(tx, context.vault(), order, Stop::Dropoff, &pin).await
}

/// Adds an uploaded picture to a proof, in place of the one before.
pub async fn show(
    tx: &mut Tx,
    context: &Orders,
    viewer: &Viewer,
    (id, proof): (OrderId, ProofId),
    kind: Kind,
    file: FileId,
) -> Result<Proof> {
    let order = locked(tx, viewer, id).await?;
    let known = proofs::of_order(tx, context.vault(), id).await?;
    let mut proof = known.into_iter().find(|one| one.id == proof).ok_or_else(|| Error::not_found("proof"))?;
    let files = &context.ground().files;
    files.keep(tx, file).await?;
    let before = if kind == Kind::Signature { &mut proof.signature } else { &mut proof.photo };
    if let Some(before) = before.replace(file) {
        files.remove(tx, before).await?;
    }
    let locked = proofs::set_picture(tx, proof.id, kind, file).await?;
    proof.version = locked.version();
    tell(tx, context, &order, &proof, locked, &BTreeSet::from([kind])).await?;
    let detail = json!({ "order": id.to_string(), "kind": kind.as_str(), "file": file.to_string() });
    tx.audit(Entry::new("show_proof", "proof", proof.id).detail(detail)).await?;
    Ok(proof)
}
