//! The hub against a log on paper: who hears what, and what is read for those who come back.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::ear::QUEUE;
use super::*;
use kernel::ids::{OrderId, Uuid};
use kernel::time::Timestamp;
use platform::db::BoxFuture;
use serde_json::json;

/// A log in memory, and how often it was read.
#[derive(Default)]
pub(crate) struct Paper(Mutex<(Range, Vec<Arc<Passing>>)>, AtomicUsize);

impl Paper {
    pub(crate) fn begin() -> Arc<Self> {
        let paper = Mutex::new((Range { epoch: 1, first: 1, last: 0 }, Vec::new()));
        Arc::new(Self(paper, AtomicUsize::new(0)))
    }

    pub(crate) fn write(&self, org: u128, order: u128) -> i64 {
        let mut paper = self.0.lock().unwrap();
        paper.0.last += 1;
        let offset = paper.0.last;
        let payload = json!({ "order_id": order_id(order) });
        let (org, subject) = (OrgId::new(Uuid::from_u128(org)), "order.updated.v1".to_owned());
        paper.1.push(Arc::new(Passing::new(offset, org, subject, 1, payload, Timestamp::UNIX_EPOCH)));
        offset
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Range, &mut Vec<Arc<Passing>>)) {
        let mut paper = self.0.lock().unwrap();
        let (range, events) = &mut *paper;
        change(range, events);
    }
}

impl Feed for Paper {
    fn range(&self) -> BoxFuture<'_, Result<Range>> {
        Box::pin(std::future::ready(Ok(self.0.lock().unwrap().0)))
    }

    fn read(
        &self,
        after: i64,
        to: i64,
        org: Option<OrgId>,
        limit: i32,
    ) -> BoxFuture<'_, Result<Vec<Arc<Passing>>>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let paper = self.0.lock().unwrap();
        let within = paper.1.iter().filter(|event| event.offset > after && event.offset <= to);
        let of_org = within.filter(|event| org.is_none_or(|org| org == event.org));
        let events = of_org.take(usize::try_from(limit).unwrap()).cloned().collect();
        Box::pin(std::future::ready(Ok(events)))
    }
}

pub(crate) fn org(number: u128) -> OrgId {
    OrgId::new(Uuid::from_u128(number))
}

fn order_id(number: u128) -> OrderId {
    OrderId::new(Uuid::from_u128(number))
}

/// Listens to an organisation for these.
fn listen(hub: &Hub, org_number: u128, interests: &[Interest]) -> Ear {
    let ear = hub.listen(org(org_number));
    for interest in interests {
        ear.attend(*interest);
    }
    ear
}

/// The offsets of what is there.
fn heard(ear: &mut Ear) -> Vec<i64> {
    let batches = std::iter::from_fn(|| ear.try_next());
    batches.flat_map(|events| events.iter().map(|event| event.offset).collect::<Vec<_>>()).collect()
}

pub(crate) async fn hub(paper: &Arc<Paper>) -> Hub {
    let hub = Hub::new(Arc::clone(paper) as Arc<dyn Feed>, CancellationToken::new());
    hub.step().await.unwrap();
    hub
}

async fn catch_up(hub: &Hub) {
    while hub.step().await.unwrap() {}
}

fn offsets(missed: Missed) -> Vec<i64> {
    match missed {
        Missed::Events(events) => events.iter().map(|event| event.offset).collect(),
        Missed::Resync => panic!("a resync"),
    }
}

#[tokio::test]
async fn an_organisation_hears_its_events_in_order_and_nobody_elses() {
    let paper = Paper::begin();
    let hub = hub(&paper).await;
    let mut ear = listen(&hub, 1, &[Interest::Orders]);
    for n in 0..2_500 {
        paper.write(1 + n % 2, n);
    }
    let reading = hub.clone();
    let mut all = Vec::new();
    // The queue is shorter than what comes: the reader and the client take turns.
    for _ in 0..20 {
        reading.feed.range().await.unwrap();
        let to = reading.scanned().last + 300;
        let events = reading.feed.read(reading.scanned().last, to, None, 300).await.unwrap();
        reading.hand_out(events);
        all.extend(heard(&mut ear));
    }
    assert_eq!(all, (1..=2_500).filter(|n| n % 2 == 1).collect::<Vec<i64>>());
}

#[tokio::test]
async fn who_is_too_slow_is_sent_away_and_others_are_not() {
    let paper = Paper::begin();
    let hub = hub(&paper).await;
    let mut slow = listen(&hub, 1, &[Interest::Orders]);
    let mut quick = listen(&hub, 2, &[Interest::Orders]);
    let mut busy = listen(&hub, 1, &[Interest::Orders]);
    for round in 0..2 {
        for n in 0..600 {
            paper.write(1, n);
        }
        catch_up(&hub).await;
        assert_eq!(heard(&mut busy).len(), 600, "more than fits, but taken in time, in round {round}");
    }
    paper.write(1, 1);
    paper.write(2, 1);
    catch_up(&hub).await;
    let first = slow.next().await.unwrap();
    assert!(first.len() > QUEUE, "what came at once, ");
    assert_eq!((first.len(), slow.next().await), (600, None), "then the end");
    assert_eq!((heard(&mut busy), heard(&mut quick)), (vec![1_201], vec![1_202]));
    assert_eq!(hub.connections(), 2);
}

#[tokio::test]
async fn an_event_goes_to_those_who_listen_for_it_once_and_wakes_no_others() {
    let paper = Paper::begin();
    let hub = hub(&paper).await;
    let [one, two] = [1, 2].map(|number| Interest::Order(order_id(number)));
    let mut first = listen(&hub, 1, &[one]);
    let mut both = listen(&hub, 1, &[two, Interest::Orders, one]);
    let mut elsewhere = listen(&hub, 2, &[one]);
    for n in [1, 2, 3, 1] {
        paper.write(1, n);
    }
    catch_up(&hub).await;
    assert_eq!(heard(&mut first), [1, 4]);
    assert_eq!(heard(&mut both), [1, 2, 3, 4], "once, in the order of the log");
    assert_eq!(heard(&mut elsewhere), Vec::<i64>::new());
    both.keep(&HashSet::from([two]));
    drop(first);
    for n in [1, 2, 3] {
        paper.write(1, n);
    }
    catch_up(&hub).await;
    assert_eq!(heard(&mut both), [6]);
    drop((both, elsewhere));
    assert!(hub.lock().listeners.is_empty());
}

#[tokio::test]
async fn what_came_before_a_start_is_read_once_for_all() {
    let paper = Paper::begin();
    for n in 0..2_400 {
        paper.write(1 + n % 2, n % 10);
    }
    let hub = hub(&paper).await;
    paper.write(1, 2);
    catch_up(&hub).await;
    let to = hub.scanned();
    let order = Interest::Order(order_id(2));
    let before = paper.1.load(Ordering::SeqCst);
    for last in [100, 100, 2_000, 150] {
        let from = Scanned { epoch: 1, last };
        let missed = offsets(hub.missed(org(1), order, from, to).await.unwrap());
        let expected = (last + 1..=2_400).filter(|offset| offset % 10 == 3);
        assert_eq!(missed, expected.chain([2_401]).collect::<Vec<i64>>());
    }
    assert_eq!(paper.1.load(Ordering::SeqCst) - before, 3, "in three pieces, by the first");
    let from = Scanned { epoch: 1, last: 40 };
    assert_eq!(offsets(hub.missed(org(2), order, from, to).await.unwrap()), Vec::<i64>::new());
    assert_eq!(paper.1.load(Ordering::SeqCst) - before, 4, "only what was not there yet");
}

#[tokio::test(start_paused = true)]
async fn before_the_first_look_nobody_is_told_where_the_log_stands() {
    let hub = Hub::new(Paper::begin() as Arc<dyn Feed>, CancellationToken::new());
    assert!(hub.begun().await.is_err());
    let (waiting, looking) = (hub.begun(), hub.step());
    let (begun, _) = tokio::join!(waiting, looking);
    begun.unwrap();
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_from_memory_or_from_the_log() {
    let paper = Paper::begin();
    for n in 0..10 {
        paper.write(1 + n % 2, n);
    }
    let hub = hub(&paper).await;
    for n in 10..20 {
        paper.write(1 + n % 2, n);
    }
    catch_up(&hub).await;
    let to = hub.scanned();
    let missed = |last| hub.missed(org(1), Interest::Orders, Scanned { epoch: 1, last }, to);
    assert_eq!(offsets(missed(15).await.unwrap()), [17, 19]);
    assert_eq!(offsets(missed(3).await.unwrap()), [5, 7, 9, 11, 13, 15, 17, 19], "older than this process");
    assert_eq!(offsets(missed(20).await.unwrap()), Vec::<i64>::new());
    assert_eq!(offsets(missed(99).await.unwrap()), Vec::<i64>::new(), "this gateway is behind the client");
}

#[tokio::test]
async fn what_is_not_kept_any_more_or_of_another_log_is_a_resync() {
    let paper = Paper::begin();
    for n in 0..10 {
        paper.write(1, n);
    }
    let hub = hub(&paper).await;
    paper.change(|range, events| {
        range.first = 6;
        events.retain(|event| event.offset >= 6);
    });
    let to = hub.scanned();
    let missed = |epoch, last| hub.missed(org(1), Interest::Orders, Scanned { epoch, last }, to);
    assert_eq!(missed(1, 3).await.unwrap(), Missed::Resync);
    assert_eq!(offsets(missed(1, 5).await.unwrap()), [6, 7, 8, 9, 10]);
    assert_eq!(missed(2, 8).await.unwrap(), Missed::Resync);
    // A restore begins another log: whoever is connected is sent away.
    let mut ear = listen(&hub, 1, &[Interest::Orders]);
    paper.change(|range, _| range.epoch = 2);
    hub.step().await.unwrap();
    assert_eq!(ear.next().await, None);
    assert_eq!(hub.scanned(), Scanned { epoch: 2, last: 10 });
}

#[tokio::test]
async fn clients_are_counted_by_organisation_until_they_go() {
    let hub = hub(&Paper::begin()).await;
    let (first, second) = (hub.connect(org(1)), hub.connect(org(1)));
    let _other = hub.connect(org(2));
    assert_eq!((hub.connected(org(1)), hub.connected(org(2)), hub.connected(org(3))), (2, 1, 0));
    drop(first);
    assert_eq!(hub.connected(org(1)), 1);
    drop(second);
    assert_eq!(hub.connected(org(1)), 0);
    assert!(!hub.lock().clients.contains_key(&org(1)), "who has gone leaves nothing behind");
}

#[tokio::test]
async fn a_hole_in_the_log_is_never_skipped() {
    let paper = Paper::begin();
    let hub = hub(&paper).await;
    let mut ear = listen(&hub, 1, &[Interest::Orders]);
    paper.write(1, 1);
    paper.write(1, 2);
    paper.change(|_, events| {
        events.remove(0);
    });
    assert!(hub.step().await.unwrap_err().chain().contains("hole"));
    assert_eq!(hub.scanned().last, 0);
    assert_eq!(heard(&mut ear), Vec::<i64>::new());
}
