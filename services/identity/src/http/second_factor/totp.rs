//! `POST /api/v1/users/me/totp`, `.../totp/confirm`, `.../totp/disable`

use axum::extract::State;
use garde::Validate;
use platform::Result;
use platform::http::call::{Action, Command};
use platform::idempotency::Answer;
use platform::qr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::recovery_codes::RecoveryCodes;
use crate::commands::guessing::count_second_factor;
use crate::commands::totp as command;
use crate::context::Identity;
use crate::domain::totp::Authenticator;
use crate::http::browser::Sender;

/// What an authenticator app needs, shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TotpEnrolment {
    /// The secret in base 32, for apps without a camera.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// What the QR code says.
    #[schema(
        example = "otpauth://totp/DropMate:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=DropMate"
    )]
    uri: String,
    /// The QR code as an SVG image.
    #[schema(example = "<svg viewBox=\"0 0 45 45\"></svg>")]
    qr_svg: String,
}

impl TotpEnrolment {
    fn of(app: &Authenticator) -> Result<Self> {
        let uri = app.uri()?;
        Ok(Self {
            secret: app.secret().reveal().to_owned(),
            qr_svg: qr::svg(uri.reveal())?,
            uri: uri.reveal().to_owned(),
        })
    }
}

/// Starts to set up an authenticator app. It protects nothing until a code of it was confirmed, within 15 minutes. Needs a
/// recent proof of who you are (403 `reauthentication_required`).
#[utoipa::path(
    post, path = "/api/v1/users/me/totp", operation_id = "enrol_totp", tag = "second factor",
    responses((status = 200, description = "For the app.", body = TotpEnrolment))
)]
pub(crate) async fn enrol_totp(State(identity): State<Identity>, request: Action) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    let context = identity.clone();
    request
        .call
        .run(identity.db(), move |tx| {
            let identity = context.clone();
            Box::pin(async move {
                let app = command::enrol(tx, &identity, user, session).await?;
                Answer::json(200, &TotpEnrolment::of(&app)?)
            })
        })
        .await
}

/// The app's present code.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "code": "123456" }))]
pub(crate) struct ConfirmTotp {
    /// Six digits.
    #[garde(pattern("^[0-9]{6}$"))]
    #[schema(pattern = "^[0-9]{6}$")]
    code: String,
}

/// Confirms the app with its first code. From now on signing in takes a second step. With the first second factor come
/// recovery codes, and every other session ends; otherwise the list is empty.
#[utoipa::path(
    post, path = "/api/v1/users/me/totp/confirm", operation_id = "confirm_totp", tag = "second factor",
    request_body = ConfirmTotp,
    responses((status = 200, description = "Codes for the day the phone is lost.", body = RecoveryCodes))
)]
pub(crate) async fn confirm_totp(
    State(identity): State<Identity>,
    sender: Sender,
    request: Command<ConfirmTotp>,
) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    count_second_factor(&identity, user, &sender.source).await?;
    let (context, code) = (identity.clone(), request.body.code);
    request
        .call
        .run(identity.db(), move |tx| {
            let (identity, code) = (context.clone(), code.clone());
            Box::pin(async move {
                let codes = command::confirm(tx, &identity, user, session, &code).await?;
                Answer::json(200, &RecoveryCodes::of(&codes))
            })
        })
        .await
}

/// Removes the app; without another second factor the recovery codes go with it. Needs a recent proof of who you are
/// (403 `reauthentication_required`); 409 `second_factor_required` where an organisation asks for one.
#[utoipa::path(
    post, path = "/api/v1/users/me/totp/disable", operation_id = "disable_totp", tag = "second factor",
    responses((status = 204, description = "Signing in takes one step again."))
)]
pub(crate) async fn disable_totp(State(identity): State<Identity>, request: Action) -> Result<Answer> {
    let (user, session) = (request.principal.user()?, request.principal.session()?);
    request
        .call
        .run(identity.db(), move |tx| {
            Box::pin(async move {
                command::disable(tx, user, session).await?;
                Ok(Answer::empty(204))
            })
        })
        .await
}
