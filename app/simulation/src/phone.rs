//! A courier's phone: sends what there is to say in its order, and keeps it while there is no signal.

use anyhow::Context;
use kernel::geo::Position;
use kernel::time::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::Api;
use crate::town::Account;
use crate::tracker::{Fix, Reporter};

/// A phone on this day.
#[derive(Debug, Default)]
pub(crate) struct Phone {
    kept: Vec<Message>,
    last_fix: Option<u32>,
}

#[derive(Debug)]
struct Message {
    minute: u32,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Where the courier was.
    Fix(Fix),
    /// Where an order stood.
    Step { path: String, body: Value },
}

/// Its way to the installation at a minute.
pub(crate) struct Line<'a> {
    pub(crate) api: &'a Api,
    pub(crate) account: &'a mut Account,
    /// What tells the requests of this run from those of others.
    pub(crate) run: &'a str,
    pub(crate) minute: u32,
    /// What the phone's clock says: it is right.
    pub(crate) now: Timestamp,
    pub(crate) signal: bool,
}

/// What became of the messages that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sent {
    /// So many had been kept from an earlier minute.
    pub(crate) later: usize,
    /// A step was refused: somebody else has changed the order.
    pub(crate) refused: bool,
}

impl Phone {
    /// When it says where it is again.
    pub(crate) fn next_report(&self, within: u32) -> u32 {
        self.last_fix.map_or(0, |last| last + within)
    }

    /// Says where it is.
    pub(crate) async fn report(&mut self, line: Line<'_>, place: Position) -> anyhow::Result<Sent> {
        line.account.fixes += 1;
        line.account.place = Some(place);
        self.last_fix = Some(line.minute);
        let fix = Fix { place, at: line.now, sequence: line.account.fixes };
        self.hand_in(line, What::Fix(fix)).await
    }

    /// Says where an order stands.
    pub(crate) async fn step(
        &mut self,
        line: Line<'_>,
        order: &str,
        status: &'static str,
    ) -> anyhow::Result<Sent> {
        let mut body = json!({ "status": status, "at": line.now });
        match status {
            "delivered" => body["outcome"] = "delivered_to_recipient".into(),
            "failed" => {
                body["outcome"] = "failed_not_home".into();
                body["failure_reason"] = "not_at_home".into();
            }
            _ => {}
        }
        self.hand_in(line, What::Step { path: format!("/api/v1/orders/{order}/status"), body }).await
    }

    /// Sends it after everything that was said before.
    async fn hand_in(&mut self, line: Line<'_>, what: What) -> anyhow::Result<Sent> {
        self.kept.push(Message { minute: line.minute, what });
        let mut sent = Sent::default();
        if !line.signal {
            return Ok(sent);
        }
        for message in std::mem::take(&mut self.kept) {
            sent.later += usize::from(message.minute < line.minute);
            sent.refused |= !message.send(line.api, line.account, line.run, line.now).await?;
        }
        Ok(sent)
    }
}

impl Message {
    /// Whether it was taken.
    async fn send(self, api: &Api, account: &mut Account, run: &str, now: Timestamp) -> anyhow::Result<bool> {
        let Account { id, session, tracker, .. } = account;
        match self.what {
            What::Fix(fix) => {
                tracker.report(Reporter { api, driver: id, session, now, run }, fix).await?;
                Ok(true)
            }
            What::Step { path, body } => {
                let (at, status) = (&body["at"], &body["status"]);
                let key =
                    format!("{run}-{id}-{}-{}", at.as_str().unwrap_or(""), status.as_str().unwrap_or(""));
                let answer = api.call(session, now, Method::POST, &path, Some(&key), Some(&body)).await?;
                if [StatusCode::CONFLICT, StatusCode::NOT_FOUND].contains(&answer.status) {
                    return Ok(false);
                }
                answer.ok().with_context(|| format!("POST {path} {body}"))?;
                Ok(true)
            }
        }
    }
}
