//! Whether the running work has a transaction open: nobody may be called over a [`Channel`](crate::http::Channel) then.
//! The called service needs connections of its own, and two pools that wait for each other never end.
//!
//! Counted per request, job attempt and consumer batch, each of which runs inside [`watched`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

tokio::task_local! {
    static OPEN: Arc<AtomicUsize>;
}

/// Counts the transactions that this work opens. What runs beside it, also in the same task, is not counted.
pub async fn watched<F: Future>(work: F) -> F::Output {
    OPEN.scope(Arc::default(), work).await
}

/// Whether the running work has a transaction open. Outside of [`watched`] nobody knows, and the answer is no.
pub fn transaction_is_open() -> bool {
    OPEN.try_with(|count| count.load(Ordering::SeqCst) > 0).unwrap_or(false)
}

/// Held by an open transaction.
#[derive(Debug)]
pub(super) struct Counted(Option<Arc<AtomicUsize>>);

impl Counted {
    pub(super) fn begin() -> Self {
        let count = OPEN.try_with(Arc::clone).ok();
        if let Some(count) = &count {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_work_itself_is_counted() {
        assert!(!transaction_is_open(), "nobody counts here");
        watched(async {
            let first = Counted::begin();
            let second = Counted::begin();
            drop(first);
            assert!(transaction_is_open(), "one of two is left");
            watched(async { assert!(!transaction_is_open(), "work inside is counted by itself") }).await;
            drop(second);
            assert!(!transaction_is_open());
        })
        .await;
    }
}
