//! `/api/v1/drivers/{id}/devices`

use axum::extract::State;
use garde::Validate;
use kernel::ids::{DeviceId, DriverId, Uuid};
use kernel::time::Timestamp;
use platform::Result;
use platform::http::call::{Action, Command, Reader};
use platform::http::openapi::{Api, type_id};
use platform::http::pagination::{Cursor, Page, PageQuery};
use platform::http::{Json, Path, Query};
use platform::idempotency::Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{access, text};
use crate::commands::devices as command;
use crate::context::Tracking;
use crate::domain::protocols::Protocol;
use crate::domain::setup::{Setup, setup};
use crate::store::devices::{self, Device};

pub(super) fn routes(api: Api<Tracking>) -> Api<Tracking> {
    api.routes(routes!(list_devices, add_device)).routes(routes!(remove_device))
}

/// An app with which a device reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeviceProtocol {
    /// OwnTracks.
    OwnTracks,
    /// Traccar Client, or anything that speaks as OsmAnd does.
    Traccar,
    /// GPSLogger for Android.
    GpsLogger,
    /// Overland.
    Overland,
}

impl From<DeviceProtocol> for Protocol {
    fn from(protocol: DeviceProtocol) -> Self {
        match protocol {
            DeviceProtocol::OwnTracks => Self::OwnTracks,
            DeviceProtocol::Traccar => Self::Traccar,
            DeviceProtocol::GpsLogger => Self::GpsLogger,
            DeviceProtocol::Overland => Self::Overland,
        }
    }
}

impl From<Protocol> for DeviceProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::OwnTracks => Self::OwnTracks,
            Protocol::Traccar => Self::Traccar,
            Protocol::GpsLogger => Self::GpsLogger,
            Protocol::Overland => Self::Overland,
        }
    }
}

/// A new device.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Old phone", "protocol": "owntracks" }))]
pub(crate) struct NewDevice {
    /// What people call the device.
    #[garde(length(chars, min = 1, max = 100), pattern(text::LINE))]
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
    name: String,
    /// The app.
    #[garde(skip)]
    #[schema(inline)]
    protocol: DeviceProtocol,
}

/// A device, with what helps to find out why nothing arrives.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeviceView {
    /// Identifier.
    #[schema(schema_with = type_id::<DeviceId>)]
    id: DeviceId,
    /// What people call it.
    #[schema(example = "Old phone")]
    name: String,
    /// The app.
    #[schema(inline, example = "owntracks")]
    protocol: DeviceProtocol,
    /// When it was added.
    #[schema(example = "2026-11-20T12:00:00Z")]
    created_at: Timestamp,
    /// When it last sent anything readable.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    last_seen_at: Option<Timestamp>,
    /// The time of its newest position, by its own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00Z")]
    last_position_at: Option<Timestamp>,
    /// Its clock minus ours when its newest position arrived, seconds. Far below zero: positions come late.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = -1.5)]
    clock_skew_s: Option<f64>,
    /// Radius of the error of its newest position, metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 8.0)]
    accuracy_m: Option<f32>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.8)]
    battery: Option<f32>,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> Self {
        Self {
            id: device.id,
            name: device.name,
            protocol: device.protocol.into(),
            created_at: device.created_at,
            last_seen_at: device.last_seen_at,
            last_position_at: device.last_fix_at,
            clock_skew_s: device.clock_skew_s,
            accuracy_m: device.accuracy_m,
            battery: device.battery,
        }
    }
}

/// How the app is told where to report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeviceSetup {
    /// The address to enter in the app.
    #[schema(example = "https://deliveries.example.com/api/v1/ingest/owntracks")]
    url: String,
    /// Sets up the app when it is tapped on the device, where the app knows such links.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "owntracks:///config?inline=eyJfdHlwZSI6ImNvbmZpZ3VyYXRpb24ifQ")]
    link: Option<String>,
    /// What to do, one step each.
    #[schema(example = json!(["Choose the mode HTTP."]))]
    steps: Vec<String>,
}

impl From<Setup> for DeviceSetup {
    fn from(setup: Setup) -> Self {
        Self { url: setup.url, link: setup.link, steps: setup.steps }
    }
}

/// A new device with its secret, shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeviceAdded {
    /// The device.
    device: DeviceView,
    /// What the app shows to be believed; it cannot be read again.
    #[schema(example = "dmt_0123456789abcdefghjkmnpqrstvwxyz")]
    secret: String,
    /// How the app is told.
    setup: DeviceSetup,
}

/// Lists the devices of a driver, oldest first. Drivers ask for themselves.
#[utoipa::path(
    get, path = "/api/v1/drivers/{id}/devices", operation_id = "list_devices", tag = "devices",
    params(PageQuery,
           ("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    responses((status = 200, description = "A page of devices.", body = Page<DeviceView>))
)]
pub(crate) async fn list_devices(
    State(tracking): State<Tracking>,
    Path(driver): Path<DriverId>,
    reader: Reader,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeviceView>>> {
    let after = page.cursor.as_ref().map(Cursor::key::<Uuid>).transpose()?;
    let mut tx = tracking.db().read(&reader.scope).await?;
    access::known(&mut tx, &reader.principal, driver).await?;
    let rows = devices::list(&mut tx, driver, after, page.limit.fetch()).await?;
    tx.rollback().await?;
    let page = Page::cut(rows, page.limit, |device| device.id.uuid())?;
    Ok(Json(page.map(DeviceView::from)))
}

/// Adds a device on which an app of others reports positions: OwnTracks, Traccar Client, GPSLogger or Overland.
#[utoipa::path(
    post, path = "/api/v1/drivers/{id}/devices", operation_id = "add_device", tag = "devices",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q")),
    request_body = NewDevice,
    responses((status = 201, description = "The device, its secret, and how it is set up.", body = DeviceAdded))
)]
pub(crate) async fn add_device(
    State(tracking): State<Tracking>,
    Path(driver): Path<DriverId>,
    request: Command<NewDevice>,
) -> Result<Answer> {
    let (principal, body) = (request.principal, request.body);
    let public_url = tracking.ground().public_url.clone();
    request
        .call
        .run(tracking.db(), move |tx| {
            let (principal, body, public_url) = (principal.clone(), body.clone(), public_url.clone());
            Box::pin(async move {
                access::known(tx, &principal, driver).await?;
                let protocol = Protocol::from(body.protocol);
                let (device, secret) = command::add(tx, driver, body.name.trim(), protocol).await?;
                let setup = setup(protocol, &public_url, &device.id.to_string(), &secret).into();
                let location = format!("/api/v1/drivers/{driver}/devices/{}", device.id);
                let added = DeviceAdded { device: device.into(), secret, setup };
                Ok(Answer::json(201, &added)?.with_header("location", location))
            })
        })
        .await
}

/// Removes a device. What it sends from now on is not believed; its history stays.
#[utoipa::path(
    delete, path = "/api/v1/drivers/{id}/devices/{device_id}", operation_id = "remove_device", tag = "devices",
    params(("id" = String, Path, description = "The driver.", pattern = "^driver_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "driver_01h455vb4pex5vsknk084sn02q"),
           ("device_id" = String, Path, description = "The device.", pattern = "^device_[0-7][0-9a-hjkmnp-tv-z]{25}$",
            example = "device_01h455vb4pex5vsknk084sn02q")),
    responses((status = 204, description = "It is gone."))
)]
pub(crate) async fn remove_device(
    State(tracking): State<Tracking>,
    Path((driver, device)): Path<(DriverId, DeviceId)>,
    request: Action,
) -> Result<Answer> {
    let principal = request.principal;
    request
        .call
        .run(tracking.db(), move |tx| {
            let principal = principal.clone();
            Box::pin(async move {
                access::known(tx, &principal, driver).await?;
                command::remove(tx, driver, device).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
