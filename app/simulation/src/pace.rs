//! Time: of an installation of its own, or of the wall.

use std::time::{Duration, Instant};

use kernel::time::{SharedClock, SignedDuration, Timestamp};
use platform::db::BoxFuture;
use platform::lifecycle::pause;

/// Goes from minute to minute.
pub trait Pace: Send {
    /// Goes on to this minute, and waits until what was due by then is done.
    fn reach(&mut self, minute: u32) -> BoxFuture<'_, anyhow::Result<()>>;
    /// Waits until what there was to do at this moment is done.
    fn settle(&mut self) -> BoxFuture<'_, anyhow::Result<()>>;
    /// Lets everything follow from what has just been done before anything else is done, where nobody waits for it: then the
    /// same day is the same again.
    fn one_at_a_time(&mut self) -> BoxFuture<'_, anyhow::Result<()>>;
    /// Lets time pass where it does not pass by itself.
    fn pass(&mut self, by: SignedDuration) -> BoxFuture<'_, anyhow::Result<()>>;
    /// The time of a minute, as devices and the API name it.
    fn at(&self, minute: u32) -> Timestamp;
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The wall clock, in front of a running installation. A faster day is a shorter one: every minute of it takes as much less.
#[derive(Debug)]
pub struct Live {
    clock: SharedClock,
    begun: Timestamp,
    started: Instant,
    speed: f64,
}

/// How long events need to come around in a running installation.
const A_MOMENT: Duration = Duration::from_millis(300);

impl Live {
    /// From now on, so many minutes of the day in one of the wall.
    pub fn new(clock: SharedClock, speed: f64) -> Self {
        Self { begun: clock.now(), started: Instant::now(), clock, speed: speed.max(0.01) }
    }

    fn seconds(&self, minute: u32) -> f64 {
        f64::from(minute) * 60.0 / self.speed
    }
}

impl Pace for Live {
    fn reach(&mut self, minute: u32) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move {
            let due = Duration::try_from_secs_f64(self.seconds(minute))?;
            pause(due.saturating_sub(self.started.elapsed())).await;
            Ok(())
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async {
            pause(A_MOMENT).await;
            Ok(())
        })
    }

    fn one_at_a_time(&mut self) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn pass(&mut self, _by: SignedDuration) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn at(&self, minute: u32) -> Timestamp {
        let after = SignedDuration::try_from_secs_f64(self.seconds(minute)).unwrap_or(SignedDuration::MAX);
        self.begun.checked_add(after).unwrap_or(self.begun)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
