//! `GET /api/v1/eta/accuracy`

use ::eta::accuracy::Measures;
use axum::extract::State;
use garde::Validate;
use kernel::ids::ShopId;
use kernel::time::{SignedDuration, Timestamp};
use platform::http::call::Reader;
use platform::http::openapi::type_id;
use platform::http::{Json, Query};
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::Tracking;
use crate::domain::accuracy::{Accuracy, accuracy};
use crate::store::learned::Trained;
use crate::store::{learned, predictions};

/// The longest period: predictions are kept as long.
const SPAN: SignedDuration = SignedDuration::from_hours(24 * 181);
/// The usual one.
const USUAL: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Of more predictions the latest are measured.
const LIMIT: i64 = 50_000;

/// Which predictions.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccuracyQuery {
    /// Those that were told from this time on; without it, 30 days before the end.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-01T00:00:00Z")]
    from: Option<Timestamp>,
    /// And before this time; without it, until now. At most 181 days after the beginning.
    #[garde(skip)]
    #[param(value_type = String, required = false, format = DateTime, example = "2026-11-20T00:00:00Z")]
    until: Option<Timestamp>,
    /// Only those of this shop.
    #[garde(skip)]
    #[param(value_type = Option<String>, pattern = "^shop_[0-7][0-9a-hjkmnp-tv-z]{25}$", example = "shop_01h455vb4pex5vsknk084sn02q")]
    shop: Option<ShopId>,
}

/// How good some predictions were.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct EtaMeasures {
    /// How many.
    #[schema(example = 412, minimum = 1)]
    count: usize,
    /// Median of what happened minus what was expected, seconds: above 0 couriers come later than said.
    #[schema(example = 24.0)]
    bias_s: f64,
    /// Mean absolute error, seconds.
    #[schema(example = 131.5)]
    mae_s: f64,
    /// Share of errors up to five minutes, 0 to 1.
    #[schema(example = 0.91)]
    within_5_min: f64,
    /// Share that came after the window, 0 to 1.
    #[schema(example = 0.09)]
    late_share: f64,
    /// Share that came within the window, 0 to 1.
    #[schema(example = 0.81)]
    coverage: f64,
    /// How often windows say that they hold, 0 to 1: what `coverage` is to be held against.
    #[schema(example = 0.8)]
    nominal: f64,
    /// Median width of the windows, seconds.
    #[schema(example = 480.0)]
    width_s: f64,
    /// Mean pinball loss of both ends of the windows, seconds: smaller where windows are narrow and hold.
    #[schema(example = 31.2)]
    pinball_s: f64,
}

/// Predictions that looked as far ahead.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EtaHorizon {
    /// Time that was still to go, seconds: more than this.
    #[schema(example = 600)]
    from_s: u32,
    /// And up to this; without it, there is no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1800)]
    to_s: Option<u32>,
    /// How good they were.
    measures: EtaMeasures,
}

/// Predictions of an hour of the day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EtaHour {
    /// By the wall clock of the shop.
    #[schema(example = 18, minimum = 0, maximum = 23)]
    hour: u8,
    /// How good they were.
    measures: EtaMeasures,
}

/// Predictions of a shop's orders.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EtaShop {
    /// The shop.
    #[schema(schema_with = type_id::<ShopId>)]
    shop_id: ShopId,
    /// How good they were.
    measures: EtaMeasures,
}

/// What expected times stand on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EtaModel {
    /// When it was learned; every night.
    #[schema(example = "2026-11-20T03:20:04Z")]
    trained_at: Timestamp,
    /// From so many finished deliveries.
    #[schema(example = 1240, minimum = 30)]
    deliveries: u32,
    /// Its windows stand on so many predictions that nothing else was learned from; 0: they are a rule of thumb.
    #[schema(example = 240)]
    calibrated_on: u32,
}

/// How good expected times were.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EtaAccuracy {
    /// Begin of the period.
    #[schema(example = "2026-11-01T00:00:00Z")]
    from: Timestamp,
    /// Its end, not included.
    #[schema(example = "2026-11-20T00:00:00Z")]
    until: Timestamp,
    /// Of everything that people were told and that has happened. Without it, there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    overall: Option<EtaMeasures>,
    /// By the time that was still to go.
    horizons: Vec<EtaHorizon>,
    /// By hour of the day, those in which something was told.
    hours: Vec<EtaHour>,
    /// By shop.
    shops: Vec<EtaShop>,
    /// What expected times stand on now. Without it, nothing was learned yet: fewer than 30 orders were delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<EtaModel>,
}

impl From<Measures> for EtaMeasures {
    fn from(measures: Measures) -> Self {
        Self {
            count: measures.count,
            bias_s: rounded(measures.bias_s, TENTHS),
            mae_s: rounded(measures.mae_s, TENTHS),
            within_5_min: rounded(measures.within_5_min, THOUSANDTHS),
            late_share: rounded(measures.late_share, THOUSANDTHS),
            coverage: rounded(measures.coverage, THOUSANDTHS),
            nominal: rounded(measures.nominal, THOUSANDTHS),
            width_s: rounded(measures.width_s, TENTHS),
            pinball_s: rounded(measures.pinball_s, TENTHS),
        }
    }
}

/// Seconds are told in tenths, shares in thousandths.
const TENTHS: f64 = 10.0;
const THOUSANDTHS: f64 = 1_000.0;

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

impl From<Trained> for EtaModel {
    fn from(trained: Trained) -> Self {
        Self { trained_at: trained.at, deliveries: trained.deliveries, calibrated_on: trained.calibrated_on }
    }
}

impl EtaAccuracy {
    fn new((from, until): (Timestamp, Timestamp), found: Accuracy, trained: Option<Trained>) -> Self {
        let horizon = |(from_s, to_s, of): (u32, Option<u32>, Measures)| EtaHorizon {
            from_s,
            to_s,
            measures: of.into(),
        };
        Self {
            from,
            until,
            overall: found.overall.map(EtaMeasures::from),
            horizons: found.horizons.into_iter().map(horizon).collect(),
            hours: found.hours.into_iter().map(|(hour, of)| EtaHour { hour, measures: of.into() }).collect(),
            shops: found
                .shops
                .into_iter()
                .map(|(shop_id, of)| EtaShop { shop_id, measures: of.into() })
                .collect(),
            model: trained.map(EtaModel::from),
        }
    }
}

/// Says how good expected times were: what people were told, held against when the courier was at the door.
#[utoipa::path(
    get, path = "/api/v1/eta/accuracy", operation_id = "get_eta_accuracy", tag = "tracking", params(AccuracyQuery),
    responses((status = 200, description = "Their measures. An empty period has none.", body = EtaAccuracy))
)]
pub(crate) async fn get_eta_accuracy(
    State(tracking): State<Tracking>,
    reader: Reader,
    Query(query): Query<AccuracyQuery>,
) -> Result<Json<EtaAccuracy>> {
    let mut tx = tracking.db().read(&reader.scope).await?;
    let period = period(&query, tx.now())?;
    let said = predictions::said(&mut tx, period, query.shop, LIMIT).await?;
    let trained = learned::trained(&mut tx).await?;
    tx.rollback().await?;
    Ok(Json(EtaAccuracy::new(period, accuracy(&said), trained)))
}

fn period(query: &AccuracyQuery, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
    let until = query.until.unwrap_or(now);
    let usual = || until.checked_sub(USUAL).map_err(|error| outside("until").with_source(error));
    let from = query.from.map_or_else(usual, Ok)?;
    if from < Timestamp::UNIX_EPOCH {
        return Err(outside("from"));
    }
    if until <= from || until.duration_since(from) > SPAN {
        return Err(Error::invalid_field("until", "must lie after `from`, and at most 181 days"));
    }
    Ok((from, until))
}

fn outside(field: &'static str) -> Error {
    Error::invalid_field(field, "lies too far in the past")
}
