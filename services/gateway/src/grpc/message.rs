//! The messages of `proto/positions.proto`. A test reads that file and holds them against it.

use prost::{Message, Oneof};
use serde_json::{Map, Value};

use crate::positions::{Batch, Refusal, Verdict};

/// Positions of one driver.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReportRequest {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(string, tag = "2")]
    pub(crate) driver_id: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) positions: Vec<Position>,
}

/// One position.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Position {
    #[prost(double, tag = "1")]
    pub(crate) lat: f64,
    #[prost(double, tag = "2")]
    pub(crate) lon: f64,
    #[prost(int64, optional, tag = "3")]
    pub(crate) at_ms: Option<i64>,
    #[prost(uint64, optional, tag = "4")]
    pub(crate) sequence: Option<u64>,
    #[prost(float, optional, tag = "5")]
    pub(crate) accuracy_m: Option<f32>,
    #[prost(float, optional, tag = "6")]
    pub(crate) speed_m_s: Option<f32>,
    #[prost(float, optional, tag = "7")]
    pub(crate) heading_deg: Option<f32>,
    #[prost(float, optional, tag = "8")]
    pub(crate) altitude_m: Option<f32>,
    #[prost(float, optional, tag = "9")]
    pub(crate) battery: Option<f32>,
}

/// What became of a message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReportReply {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(oneof = "Outcome", tags = "2, 3")]
    pub(crate) outcome: Option<Outcome>,
}

/// It is stored, or it was not taken.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Outcome {
    #[prost(message, tag = "2")]
    Taken(Taken),
    #[prost(message, tag = "3")]
    Refused(Refused),
}

/// What became of the positions of a message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Taken {
    #[prost(uint32, tag = "1")]
    pub(crate) accepted: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) duplicates: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) rejected: Vec<Rejected>,
}

/// One that is not kept.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Rejected {
    #[prost(uint32, tag = "1")]
    pub(crate) index: u32,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
}

/// The positions were not taken.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Refused {
    #[prost(string, tag = "1")]
    pub(crate) code: String,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) retry_after_ms: Option<u64>,
}

impl ReportRequest {
    /// The message as the queue takes it, or what became of it already.
    pub(crate) fn batch(self) -> Result<Batch, Verdict> {
        let driver = match self.driver_id.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_not_an_id| {
                let error = platform::Error::invalid_field("/driver_id", "is no driver's id");
                Verdict { id: self.id, outcome: Err(Refusal::from(&error)) }
            })?),
        };
        Batch::new(self.id, driver, self.positions.into_iter().map(Position::report).collect())
    }
}

impl Position {
    /// In the form of the HTTP operation.
    fn report(self) -> Value {
        let mut report = Map::new();
        report.insert("lat".to_owned(), self.lat.into());
        report.insert("lon".to_owned(), self.lon.into());
        if let Some(at) = self.at_ms {
            // A time that no clock shows makes the position unreadable, like the same in text.
            let at = kernel::time::Timestamp::from_millisecond(at).map(|at| at.to_string());
            report.insert("at".to_owned(), at.unwrap_or_default().into());
        }
        if let Some(sequence) = self.sequence {
            report.insert("sequence".to_owned(), sequence.into());
        }
        let measures = [
            ("accuracy_m", self.accuracy_m),
            ("speed_m_s", self.speed_m_s),
            ("heading_deg", self.heading_deg),
            ("altitude_m", self.altitude_m),
            ("battery", self.battery),
        ];
        for (name, value) in measures {
            if let Some(value) = value {
                report.insert(name.to_owned(), value.into());
            }
        }
        Value::Object(report)
    }
}

impl From<Verdict> for ReportReply {
    fn from(verdict: Verdict) -> Self {
        let outcome = match verdict.outcome {
            Ok(taken) => Outcome::Taken(Taken {
                accepted: taken.accepted,
                duplicates: taken.duplicates,
                rejected: taken
                    .rejected
                    .into_iter()
                    .map(|(index, reason)| Rejected { index, reason })
                    .collect(),
            }),
            Err(Refusal { code, retry_after_ms, .. }) => Outcome::Refused(Refused { code, retry_after_ms }),
        };
        Self { id: verdict.id, outcome: Some(outcome) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::{DescriptorPool, DynamicMessage};
    use serde_json::json;

    fn pool() -> DescriptorPool {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
        let files = protox::compile(["positions.proto"], [folder]).unwrap();
        DescriptorPool::from_file_descriptor_set(files).unwrap()
    }

    /// What a client that was made from the file reads in our bytes, with the names of the file.
    fn as_the_file_reads_it(name: &str, message: &impl Message) -> Value {
        let descriptor = pool().get_message_by_name(&format!("dropmate.positions.v1.{name}")).unwrap();
        let read = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).unwrap();
        assert_eq!(read.unknown_fields().count(), 0, "a field that the file does not have");
        let options = prost_reflect::SerializeOptions::new()
            .use_proto_field_name(true)
            .stringify_64_bit_integers(false);
        read.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
    }

    #[test]
    fn the_messages_are_those_of_the_file() {
        let position = Position {
            lat: 60.5,
            lon: 24.5,
            at_ms: Some(5),
            sequence: Some(6),
            accuracy_m: Some(7.0),
            speed_m_s: Some(8.0),
            heading_deg: Some(9.0),
            altitude_m: Some(10.0),
            battery: Some(0.5),
        };
        let request = ReportRequest { id: 1, driver_id: "driver_x".to_owned(), positions: vec![position] };
        assert_eq!(
            as_the_file_reads_it("ReportRequest", &request),
            json!({ "id": 1, "driver_id": "driver_x", "positions": [{
                "lat": 60.5, "lon": 24.5, "at_ms": 5, "sequence": 6, "accuracy_m": 7.0, "speed_m_s": 8.0, "heading_deg": 9.0,
                "altitude_m": 10.0, "battery": 0.5 }] })
        );
        let rejected = vec![(3, "inaccurate".to_owned())];
        let taken = crate::positions::Taken { accepted: 2, duplicates: 1, rejected };
        let reply = ReportReply::from(Verdict { id: 7, outcome: Ok(taken) });
        assert_eq!(
            as_the_file_reads_it("ReportReply", &reply),
            json!({ "id": 7, "taken": { "accepted": 2, "duplicates": 1, "rejected": [{ "index": 3, "reason": "inaccurate" }] } })
        );
        let refusal = Refusal { code: "rate_limited".to_owned(), status: 429, retry_after_ms: Some(100) };
        let reply = ReportReply::from(Verdict { id: 8, outcome: Err(refusal) });
        assert_eq!(
            as_the_file_reads_it("ReportReply", &reply),
            json!({ "id": 8, "refused": { "code": "rate_limited", "retry_after_ms": 100 } })
        );
    }

    #[test]
    fn the_method_is_that_of_the_file() {
        let service = pool().get_service_by_name("dropmate.positions.v1.Positions").unwrap();
        let method = service.methods().next().unwrap();
        assert_eq!(format!("/{}/{}", service.full_name(), method.name()), super::super::PATH);
        assert!(method.is_client_streaming() && method.is_server_streaming());
    }

    #[test]
    fn a_message_for_nobody_in_particular_is_about_the_caller() {
        let request = |driver: &str| ReportRequest {
            id: 4,
            driver_id: driver.to_owned(),
            positions: vec![Position { lat: 60.0, lon: 24.0, ..Position::default() }],
        };
        let batch = request("").batch().unwrap();
        assert_eq!((batch.driver, &batch.positions[0]), (None, &json!({ "lat": 60.0, "lon": 24.0 })));
        let refused = request("somebody").batch().unwrap_err();
        assert_eq!((refused.id, refused.outcome.unwrap_err().code.as_str()), (4, "invalid"));
    }
}
