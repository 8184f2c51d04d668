//! `POST /api/v1/track/{code}/rating`

use axum::extract::State;
use garde::Validate;
use kernel::time::Timestamp;
use platform::Result;
use platform::http::Path;
use platform::http::call::Command;
use platform::idempotency::Answer;
use platform::vault::Private;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::commands::ratings as command;
use crate::context::Tracking;
use crate::http::text;

/// How it was.
#[derive(Clone, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "stars": 5, "comment": "Still warm!" }))]
pub(crate) struct NewRating {
    /// 1 to 5.
    #[garde(range(min = 1, max = 5))]
    #[schema(minimum = 1, maximum = 5)]
    stars: i16,
    /// In the customer's words.
    #[garde(inner(length(chars, max = 1000), pattern(text::LINES)))]
    #[schema(max_length = 1000, pattern = r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
    comment: Option<String>,
}

impl std::fmt::Debug for NewRating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRating").field("stars", &self.stars).finish_non_exhaustive()
    }
}

/// The rating as it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RatingGiven {
    /// 1 to 5.
    #[schema(example = 5, minimum = 1, maximum = 5)]
    stars: i16,
    /// Until when it can be changed.
    #[schema(example = "2026-11-27T12:45:00Z")]
    changeable_until: Timestamp,
}

/// Rates a delivery within seven days after it; a rating can be changed for seven days.
#[utoipa::path(
    post, path = "/api/v1/track/{code}/rating", operation_id = "rate_delivery", tag = "tracking",
    params(("code" = String, Path, description = "The code of the page.", pattern = "^[0-9A-Za-z]{4,32}$",
            example = "7KQ2M9XTB4HP")),
    request_body = NewRating,
    responses((status = 200, description = "The rating as it stands.", body = RatingGiven))
)]
pub(crate) async fn rate_delivery(
    State(tracking): State<Tracking>,
    Path(code): Path<String>,
    request: Command<NewRating>,
) -> Result<Answer> {
    let body = request.body;
    let vault = tracking.ground().vault.clone();
    request
        .call
        .run(tracking.db(), move |tx| {
            let (code, body, vault) = (code.clone(), body.clone(), vault.clone());
            Box::pin(async move {
                let comment = body.comment.as_deref().map(str::trim).filter(|text| !text.is_empty());
                let comment = comment.map(Private::from);
                let until = command::rate(tx, &vault, &code, body.stars, comment).await?;
                Answer::json(200, &RatingGiven { stars: body.stars, changeable_until: until })
            })
        })
        .await
}
