//! The queue of one connection: messages wait while tracking answers for those before them, and are then handed over together.

use std::collections::VecDeque;

use axum::body::Body;
use futures::future::BoxFuture;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use kernel::ids::DriverId;
use platform::auth::Role;
use platform::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::Value;

use super::{Batch, Refusal, Reporter, Taken, Verdict};

/// Messages that wait.
pub(crate) const WAITING: usize = 16;
/// Positions that are handed over at once; tracking takes 500.
pub(crate) const GROUP: usize = 500;
/// Longest answer of tracking that is read.
const MAX_ANSWER: usize = 256 * 1024;

/// The queue.
pub(crate) struct Intake {
    reporter: Reporter,
    /// Who a driver is, once it was asked.
    own: Option<DriverId>,
    waiting: VecDeque<Batch>,
    running: Option<BoxFuture<'static, Done>>,
}

struct Done {
    verdicts: Vec<Verdict>,
    own: Option<DriverId>,
}

impl Intake {
    /// Empty.
    pub(crate) fn new(reporter: Reporter) -> Self {
        Self { reporter, own: None, waiting: VecDeque::new(), running: None }
    }

    /// Whether nothing more may be read for now.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    /// Whether nothing waits for an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.running.is_none()
    }

    /// The reporter has a fresh credential.
    pub(crate) fn present(&mut self, credential: Option<http::HeaderValue>) {
        self.reporter.credential = credential;
    }

    /// Adds a message.
    pub(crate) fn push(&mut self, batch: Batch) {
        self.waiting.push_back(batch);
    }

    /// What became of the messages that were handed over together; never, while there are none. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Vec<Verdict> {
        if self.running.is_none() {
            let group = self.group();
            if group.is_empty() {
                return std::future::pending().await;
            }
            let (reporter, own) = (self.reporter.clone(), self.own);
            self.running = Some(Box::pin(hand_over(reporter, own, group)));
        }
        let Some(running) = self.running.as_mut() else { return Vec::new() };
        let done = running.await;
        self.running = None;
        self.own = done.own;
        done.verdicts
    }

    /// The first messages that are about one driver, up to the size of a group.
    fn group(&mut self) -> Vec<Batch> {
        let (mut group, mut size): (Vec<Batch>, usize) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            size += next.positions.len();
            let fits = group.first().is_none_or(|first| first.driver == next.driver && size <= GROUP);
            if !fits {
                break;
            }
            group.extend(self.waiting.pop_front());
        }
        group
    }
}

async fn hand_over(reporter: Reporter, mut own: Option<DriverId>, group: Vec<Batch>) -> Done {
    let mut verdicts = Vec::with_capacity(group.len());
    let mut admitted = Vec::with_capacity(group.len());
    for batch in group {
        match reporter.count().await {
            Ok(()) => admitted.push(batch),
            Err(error) => verdicts.push(Verdict { id: batch.id, outcome: Err(Refusal::from(&error)) }),
        }
    }
    let Some(named) = admitted.first().map(|batch| batch.driver) else {
        return Done { verdicts, own };
    };
    match taken(&reporter, &mut own, named, &mut admitted).await {
        Ok(taken) => {
            let stored = admitted.iter().zip(taken);
            verdicts.extend(stored.map(|(batch, taken)| Verdict { id: batch.id, outcome: Ok(taken) }));
        }
        Err(error) => {
            let refused = admitted.iter().map(|batch| batch.id);
            verdicts.extend(refused.map(|id| Verdict { id, outcome: Err(Refusal::from(&error)) }));
        }
    }
    Done { verdicts, own }
}

/// Has tracking take the positions of these messages; what became of each.
async fn taken(
    reporter: &Reporter,
    own: &mut Option<DriverId>,
    named: Option<DriverId>,
    group: &mut [Batch],
) -> Result<Vec<Taken>> {
    let driver = match named.or(*own) {
        Some(driver) => driver,
        None => *own.insert(myself(reporter).await?),
    };
    let sizes: Vec<usize> = group.iter().map(|batch| batch.positions.len()).collect();
    let positions: Vec<Value> =
        group.iter_mut().flat_map(|batch| std::mem::take(&mut batch.positions)).collect();
    let count = positions.len();
    let path = format!("/api/v1/drivers/{driver}/location");
    let body = serde_json::to_vec(&positions)?;
    let request = Request::post(path).header(CONTENT_TYPE, "application/json").body(Body::from(body));
    let answer: Results = ask(reporter, "tracking", request.map_err(Error::internal)?).await?;
    if answer.results.len() != count {
        return Err(Error::internal("tracking did not answer for every position"));
    }
    let mut results = answer.results.into_iter();
    Ok(sizes.into_iter().map(|size| count_up(results.by_ref().take(size))).collect())
}

/// Who the signed-in driver is.
async fn myself(reporter: &Reporter) -> Result<DriverId> {
    if reporter.principal.role != Role::Driver {
        return Err(Error::invalid_field("/driver_id", "is needed: only drivers mean themselves"));
    }
    let request = Request::get("/api/v1/drivers/me").body(Body::empty()).map_err(Error::internal)?;
    Ok(ask::<Me>(reporter, "drivers", request).await?.id)
}

#[derive(Deserialize)]
struct Me {
    id: DriverId,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    status: String,
    reason: Option<String>,
}

fn count_up(results: impl Iterator<Item = One>) -> Taken {
    let mut taken = Taken::default();
    for (index, one) in (0..).zip(results) {
        match one.status.as_str() {
            "accepted" => taken.accepted += 1,
            "duplicate" => taken.duplicates += 1,
            _ => taken.rejected.push((index, one.reason.unwrap_or(one.status))),
        }
    }
    taken
}

/// Asks a service as the reporter. A refusal is the same error.
async fn ask<T: for<'de> Deserialize<'de>>(
    reporter: &Reporter,
    service: &'static str,
    mut request: Request<Body>,
) -> Result<T> {
    let channel = reporter.channels.0.get(service).ok_or_else(|| Error::unavailable(service))?;
    if let Some(credential) = &reporter.credential {
        request.headers_mut().insert(AUTHORIZATION, credential.clone());
    }
    let (head, body) = channel.call(request).await?.into_parts();
    let body = http_body_util::Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|error| Error::unavailable(service).with_source(error))?.to_bytes();
    if head.status.is_success() {
        return Ok(serde_json::from_slice(&body)?);
    }
    let Some(kind) = Kind::of_refusal(head.status.as_u16()) else {
        return Err(Error::unavailable(service));
    };
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
    Err(Error::new(kind, text("code"), text("detail")))
}

#[cfg(test)]
mod tests;
