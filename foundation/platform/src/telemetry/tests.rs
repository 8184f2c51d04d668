//! Logs and traces together, on a subscriber of the test's own thread.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn json(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn json_settings() -> config::Telemetry {
    config::Telemetry {
        log_format: LogFormat::Json,
        filter: "info".to_owned(),
        ..config::Telemetry::default()
    }
}

#[tokio::test]
async fn lines_carry_the_trace_of_the_caller_and_no_secret() {
    let lines = Lines::default();
    let settings = json_settings();
    let traces = otlp::Traces::build(&settings, &Handle::current()).unwrap();
    let subscriber = subscriber(&settings, false, &traces, lines.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(current_trace(), None);
        let request =
            tracing::info_span!("request", method = "GET", password = ?config::Secret::from("hunter2"));
        assert!(set_parent(&request, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        request.in_scope(|| {
            let inner = tracing::info_span!("query", rows = 3);
            inner.in_scope(|| {
                tracing::warn!(url = "postgres://bob:hunter2@db/x", answer = 42, "slow");
                assert_eq!(current_trace().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
                let header = traceparent().unwrap();
                assert!(header.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{header}");
                assert!(
                    !header.contains("00f067aa0ba902b7"),
                    "our span is another than the caller's: {header}"
                );
            });
        });
        tracing::info!("outside");
    });
    let lines = lines.json();
    assert_eq!(lines[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(lines[0]["message"], "slow");
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!((&lines[0]["span"], &lines[0]["method"]), (&"query".into(), &"GET".into()));
    assert_eq!((&lines[0]["rows"], &lines[0]["answer"]), (&3.into(), &42.into()));
    assert_eq!(lines[0]["url"], "postgres://***@db/x");
    assert!(!format!("{lines:?}").contains("hunter2"));
    assert!(lines[1].get("trace_id").is_none());
}

#[tokio::test]
async fn a_span_without_a_caller_begins_a_trace() {
    let settings = json_settings();
    let traces = otlp::Traces::build(&settings, &Handle::current()).unwrap();
    let subscriber = subscriber(&settings, false, &traces, io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let one = tracing::info_span!("one").in_scope(|| current_trace().unwrap());
        let two = tracing::info_span!("two").in_scope(|| current_trace().unwrap());
        assert_ne!(one, two);
    });
}

/// A collector that takes one request and returns what it received.
fn collector() -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).unwrap();
            received.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&received).to_lowercase();
            let Some((head, _)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let body = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            if received.len() >= body + length.trim().parse::<usize>().unwrap() {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        received
    });
    (address, served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn traces_reach_a_collector_from_inside_the_runtime() {
    // The provider is chosen in the first line of `main`; here nobody did it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (address, served) = collector();
    let headers = Some(config::Secret::from("x-key=topsecret"));
    let settings =
        config::Telemetry { otlp_endpoint: Some(address), otlp_headers: headers, ..json_settings() };
    let traces = otlp::Traces::build(&settings, &Handle::current()).unwrap();
    let subscriber = subscriber(&settings, false, &traces, io::sink).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("a-span-to-see").in_scope(|| ());
    });
    traces.shutdown().await;
    let received = String::from_utf8_lossy(&served.join().unwrap()).into_owned();
    assert!(received.starts_with("POST /v1/traces "), "{received}");
    assert!(received.contains("a-span-to-see") && received.contains("x-key: topsecret"), "{received}");
}
