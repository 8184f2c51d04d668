//! A closed loop of clients: each sends its next request when it has the answer to the last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

/// What a load saw.
#[derive(Debug)]
pub struct Figures {
    /// Answers per second.
    pub per_second: f64,
    /// Answers in all.
    pub count: u64,
    /// Median in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile in milliseconds.
    pub p99_ms: f64,
}

/// Makes the request of one client's nth turn.
pub type Make = Arc<dyn Fn(usize, u64) -> reqwest::RequestBuilder + Send + Sync>;

/// Runs the clients for a while; every answer must have the wanted status.
pub async fn run(clients: usize, length: Duration, wanted: u16, make: Make) -> anyhow::Result<Figures> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let make = Arc::clone(&make);
        tasks.spawn(async move {
            let mut latencies = Histogram::<u64>::new(3)?;
            let mut turn = 0;
            while begun.elapsed() < length {
                turn += 1;
                let sent = Instant::now();
                let answer = make(client, turn).send().await?;
                let status = answer.status().as_u16();
                let body = answer.bytes().await?;
                anyhow::ensure!(
                    status == wanted,
                    "{status} instead of {wanted}: {}",
                    String::from_utf8_lossy(&body)
                );
                latencies.record(u64::try_from(sent.elapsed().as_micros())?)?;
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = Histogram::<u64>::new(3)?;
    while let Some(done) = tasks.join_next().await {
        all.add(done??)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let ms = |quantile| micros_to_ms(all.value_at_quantile(quantile));
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^52")]
    let per_second = all.len() as f64 / seconds;
    Ok(Figures { per_second, count: all.len(), p50_ms: ms(0.5), p99_ms: ms(0.99) })
}

#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 microseconds")]
fn micros_to_ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
