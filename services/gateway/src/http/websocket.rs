//! Whether a WebSocket gets through: what stands in front of DropMate has to pass upgrades on.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use platform::{Error, Kind, Result};

/// Opens a WebSocket, says `ok` in it and closes it. For `dropmate doctor`, and for whoever sets up a proxy.
#[utoipa::path(
    get, path = "/healthz/websocket", operation_id = "get_websocket_probe", tag = "installation",
    responses((status = 101, description = "The WebSocket (RFC 6455) is open."),
              (status = 400, description = "The request was no upgrade: something in between does not pass upgrades on.")),
    extensions(("x-probe" = json!(true)))
)]
pub(crate) async fn websocket(
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|rejection| {
        let text = "This address answers WebSockets. If you opened one, something in between did not pass the upgrade on.";
        Error::new(Kind::Malformed, "websocket_expected", text).with_source(rejection)
    })?;
    Ok(upgrade.max_message_size(1024).on_upgrade(greet))
}

async fn greet(mut socket: WebSocket) {
    // Whoever has gone does not need to be told.
    let _ = socket.send(Message::Text("ok".into())).await;
    let _ = socket.send(Message::Close(None)).await;
}
