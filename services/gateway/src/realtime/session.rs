//! One client: what it follows, what it was told, and what it may still be told. The same over WebSocket and SSE.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use contracts::orders::OrderAssigned;
use contracts::tracking::DriverLocation;
use contracts::{Event as _, orders::OrderStatusChanged};
use futures::future::BoxFuture;
use kernel::ids::{DriverId, OrgId};
use platform::live::{Change, Subscription, Topic as LiveTopic};
use platform::{Error, Result};
use tokio::time::Instant;

use super::Realtime;
use super::ear::{Batch, Ear};
use super::feed::Passing;
use super::hub::{Connected, Missed, Scanned};
use super::message::{Place, Said, Told};
use super::rights::{Granted, Rights};
use super::topic::{Filter, Interest, Topic};

/// Topics that one client may follow.
const MOST_TOPICS: usize = 200;
/// At most one position per driver in this time.
const POSITION_EVERY: Duration = Duration::from_secs(1);

/// A topic that is followed.
struct Followed {
    topic: Topic,
    /// As messages name it.
    name: String,
    filter: Filter,
    /// Everything of the topic up to here was told.
    last: i64,
}

/// One client.
pub(crate) struct Session {
    realtime: Realtime,
    rights: Rights,
    followed: Vec<Followed>,
    ear: Option<Ear>,
    org: Option<OrgId>,
    /// Counts this client, once it is known whose it is.
    connected: Option<Connected>,
    /// Everything of the organisation up to here was taken from the ear.
    heard: Scanned,
    positions: Option<Subscription>,
    /// Newest positions that were not sent yet, and when each driver's last one was.
    waiting: BTreeMap<DriverId, DriverLocation>,
    sent: HashMap<DriverId, Instant>,
}

/// Topics that may not be followed any more, and the codes of the refusals.
pub(crate) struct Lost(Vec<(Topic, String)>);

/// What wakes a session.
pub(crate) enum Woken {
    /// Events of the organisation.
    Events(Batch),
    /// The hub has sent this client away.
    Ended,
    /// A position, or that some may have been missed.
    Position(Option<Change>),
}

impl Session {
    /// Of a client with these rights; it follows nothing yet.
    pub(crate) fn new(realtime: Realtime, rights: Rights) -> Self {
        let connected = rights.presented().1.org.map(|org| realtime.hub.connect(org));
        Self {
            realtime,
            rights,
            followed: Vec::new(),
            ear: None,
            org: None,
            connected,
            heard: Scanned::default(),
            positions: None,
            waiting: BTreeMap::new(),
            sent: HashMap::new(),
        }
    }

    /// The next thing that concerns this client. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Woken {
        let (ear, positions) = (&mut self.ear, &mut self.positions);
        let events = async {
            match ear {
                Some(ear) => ear.next().await,
                None => std::future::pending().await,
            }
        };
        let position = async {
            match positions {
                Some(positions) => positions.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            events = events => events.map_or(Woken::Ended, Woken::Events),
            change = position => Woken::Position(change),
        }
    }

    /// What the client said; positions are the socket's own affair.
    pub(crate) async fn said(&mut self, said: Said) -> Vec<Told> {
        match said {
            Said::Subscribe { topic, from } => self.subscribe(topic, from).await,
            Said::Unsubscribe { topic } => {
                self.followed.retain(|followed| followed.name != topic);
                self.listen_to_followed();
                vec![Told::Unsubscribed { topic }]
            }
            Said::Token { token } => match self.rights.present(&token).await {
                Ok(()) => vec![Told::TokenAccepted],
                Err(error) => vec![Told::Refused { topic: String::new(), code: error.code().to_owned() }],
            },
            Said::Positions { .. } => vec![Told::NOT_UNDERSTOOD],
        }
    }

    /// The client's credential, and who that is.
    pub(crate) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Follows a topic, from a place or from now.
    pub(crate) async fn subscribe(&mut self, name: String, from: Option<Place>) -> Vec<Told> {
        let mut told = Vec::new();
        if let Err(error) = self.follow(&name, from, &mut told).await {
            self.listen_to_followed();
            told.push(Told::Refused { topic: name, code: error.code().to_owned() });
        }
        told
    }

    async fn follow(&mut self, name: &str, from: Option<Place>, told: &mut Vec<Told>) -> Result<()> {
        let unknown = || Error::new(platform::Kind::NotFound, "unknown_topic", "There is no such topic.");
        let topic: Topic = name.parse().map_err(|()| unknown())?;
        if self.followed.len() >= MOST_TOPICS {
            let message = "A connection follows at most 200 topics.";
            return Err(Error::new(platform::Kind::TooMany, "too_many_topics", message));
        }
        let Granted { org, filter } = self.rights.grant(&topic).await?;
        if *self.org.get_or_insert(org) != org {
            let message = "A connection follows topics of one organisation.";
            return Err(Error::new(platform::Kind::Conflict, "other_organization", message));
        }
        if self.connected.is_none() {
            self.connected = Some(self.realtime.hub.connect(org));
        }
        self.listen_to_positions(&filter, org);
        let interest = filter.interest();
        self.listen(org, interest, told).await?;
        let now = self.heard;
        let from = from.map_or(now, Scanned::from);
        let missed = self.realtime.hub.missed(org, interest, from, now).await?;
        self.followed.retain(|followed| followed.topic != topic);
        let mut followed = Followed { name: topic.to_string(), topic, filter, last: from.last };
        match missed {
            Missed::Events(events) => {
                let place = Place { epoch: now.epoch, offset: from.last };
                told.push(Told::Subscribed { topic: name.to_owned(), place });
                told.extend(events.iter().filter_map(|event| followed.tell(now.epoch, event)));
            }
            Missed::Resync => {
                followed.last = now.last;
                told.push(Told::Resync { topic: name.to_owned(), place: now.into() });
            }
        }
        self.followed.push(followed);
        self.listen_to_followed();
        Ok(())
    }

    /// Listens for this too. What has waited until now is told first, so that the client has heard everything up to here.
    async fn listen(&mut self, org: OrgId, interest: Interest, told: &mut Vec<Told>) -> Result<()> {
        let hub = &self.realtime.hub;
        hub.begun().await?;
        let ear = self.ear.get_or_insert_with(|| hub.listen(org));
        let since = ear.attend(interest);
        if self.heard.epoch == 0 {
            self.heard = since;
        }
        self.catch_up(since, told).await;
        Ok(())
    }

    /// Listens for what is followed, and for nothing else.
    fn listen_to_followed(&self) {
        if let Some(ear) = &self.ear {
            ear.keep(&self.followed.iter().map(|followed| followed.filter.interest()).collect());
        }
    }

    fn listen_to_positions(&mut self, filter: &Filter, org: OrgId) {
        if self.positions.is_none() && matches!(filter, Filter::Drivers | Filter::Driver(_)) {
            let topic = LiveTopic { name: DriverLocation::TOPIC, org };
            self.positions = Some(self.realtime.live.subscribe(topic));
        }
    }

    /// What the client is told of an event.
    pub(crate) async fn event(&mut self, event: &Passing, told: &mut Vec<Told>) {
        self.heard.last = event.offset;
        // Another driver may have the order now: who followed it may have lost the right to.
        let rights_may_change =
            [OrderAssigned::SUBJECT, OrderStatusChanged::SUBJECT].contains(&event.subject.as_str());
        if rights_may_change {
            for index in (0..self.followed.len()).rev() {
                let filter = &self.followed[index].filter;
                if matches!(filter, Filter::Order(_) | Filter::Carried(_))
                    && filter.wants(&event.subject, event.about())
                {
                    told.extend(self.check(index).await);
                }
            }
        }
        let epoch = self.heard.epoch;
        told.extend(self.followed.iter_mut().filter_map(|followed| followed.tell(epoch, event)));
    }

    /// Asks again whether a topic may be followed; it is left when it may not. A service that is away changes nothing.
    async fn check(&mut self, index: usize) -> Option<Told> {
        let followed = self.followed.get(index)?;
        match self.rights.grant(&followed.topic).await {
            Err(error) if !error.kind().is_failure() => {
                let topic = self.followed.remove(index).name;
                self.listen_to_followed();
                Some(Told::Refused { topic, code: error.code().to_owned() })
            }
            _ => None,
        }
    }

    /// Asks about everything again: rights may have been taken. The client hears on meanwhile.
    pub(crate) fn check_all(&self) -> BoxFuture<'static, Result<Lost>> {
        let rights = self.rights.clone();
        let topics: Vec<Topic> = self.followed.iter().map(|followed| followed.topic.clone()).collect();
        Box::pin(async move {
            rights.hold().await?;
            let mut lost = Vec::new();
            for topic in topics {
                if let Err(error) = rights.grant(&topic).await
                    && !error.kind().is_failure()
                {
                    lost.push((topic, error.code().to_owned()));
                }
            }
            Ok(Lost(lost))
        })
    }

    /// Leaves what may not be followed any more.
    pub(crate) fn lose(&mut self, Lost(lost): Lost) -> Vec<Told> {
        let mut told = Vec::with_capacity(lost.len());
        for (topic, code) in lost {
            let followed = self.followed.extract_if(.., |followed| followed.topic == topic);
            told.extend(
                followed.map(|Followed { name, .. }| Told::Refused { topic: name, code: code.clone() }),
            );
        }
        self.listen_to_followed();
        told
    }

    /// Whether the credential is still good.
    pub(crate) async fn hold(&self) -> Result<()> {
        self.rights.hold().await
    }

    /// Up to where the client has heard everything, after it was told what waited.
    pub(crate) async fn heartbeat(&mut self) -> Vec<Told> {
        let scanned = self.realtime.hub.scanned();
        let mut told = Vec::new();
        self.catch_up(scanned, &mut told).await;
        let following = self.ear.is_some() && scanned.epoch == self.heard.epoch;
        let place = if following { self.heard } else { scanned };
        told.push(Told::Heartbeat { place: place.into() });
        told
    }

    /// Tells what waits. Everything up to the place that the hub had come to is in the ear before the hub says so.
    async fn catch_up(&mut self, scanned: Scanned, told: &mut Vec<Told>) {
        while let Some(events) = self.ear.as_mut().and_then(Ear::try_next) {
            for event in events.iter() {
                self.event(event, told).await;
            }
        }
        if self.ear.is_some() && scanned.epoch == self.heard.epoch {
            self.heard.last = self.heard.last.max(scanned.last);
        }
    }

    /// Notes a position; the newest of each driver waits until it may be sent. False when the store has ended.
    pub(crate) fn position(&mut self, change: Option<Change>) -> bool {
        match change {
            Some(Change::Entry(entry)) => {
                let location =
                    entry.value.and_then(|value| serde_json::from_slice::<DriverLocation>(&value).ok());
                if let Some(location) = location
                    && self.followed.iter().any(|followed| followed.filter.follows(location.driver_id))
                {
                    self.waiting.insert(location.driver_id, location);
                }
                true
            }
            // What was missed is overtaken by what comes next.
            Some(Change::Missed) => true,
            None => {
                self.positions = None;
                false
            }
        }
    }

    /// Whether a position waits to be sent.
    pub(crate) fn has_positions(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Positions that may be sent now: at most one per driver and second.
    pub(crate) fn due_positions(&mut self, now: Instant) -> Vec<(String, DriverLocation)> {
        let sent = &self.sent;
        let due: Vec<DriverId> = self
            .waiting
            .keys()
            .filter(|driver| sent.get(driver).is_none_or(|at| now.duration_since(*at) >= POSITION_EVERY))
            .copied()
            .collect();
        let mut positions = Vec::with_capacity(due.len());
        for driver in due {
            let topic = self.followed.iter().find(|followed| followed.filter.follows(driver));
            if let (Some(location), Some(followed)) = (self.waiting.remove(&driver), topic) {
                self.sent.insert(driver, now);
                positions.push((followed.name.clone(), location));
            }
        }
        positions
    }

    /// Business time, hub and store of this session.
    pub(crate) fn realtime(&self) -> &Realtime {
        &self.realtime
    }
}

impl Followed {
    /// The message about an event, if this topic has it and it was not told before.
    fn tell(&mut self, epoch: i64, event: &Passing) -> Option<Told> {
        if event.offset <= self.last || !self.filter.wants(&event.subject, event.about()) {
            return None;
        }
        let prev = std::mem::replace(&mut self.last, event.offset);
        Some(Told::event(&self.name, epoch, prev, event, self.filter.view()))
    }
}
