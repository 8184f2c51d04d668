//! Opening hours on the wire.

use garde::Validate;
use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::hours::{self, MAX_EXCEPTIONS, MAX_SPANS, Minute, OpeningHours, Span};
use crate::http::text;

/// When a shop is open, in its own time zone. Spans of one day must not overlap.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({ "monday": [{ "from": "08:00", "until": "18:00" }],
                           "exceptions": [{ "date": "2026-12-25", "hours": [] }] }))]
pub(crate) struct ShopHours {
    /// Spans that begin on Mondays; none: closed.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    monday: Vec<ShopSpan>,
    /// Spans that begin on Tuesdays.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    tuesday: Vec<ShopSpan>,
    /// Spans that begin on Wednesdays.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    wednesday: Vec<ShopSpan>,
    /// Spans that begin on Thursdays.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    thursday: Vec<ShopSpan>,
    /// Spans that begin on Fridays.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    friday: Vec<ShopSpan>,
    /// Spans that begin on Saturdays.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    saturday: Vec<ShopSpan>,
    /// Spans that begin on Sundays.
    #[garde(length(max = MAX_SPANS), dive)]
    #[schema(max_items = 8)]
    sunday: Vec<ShopSpan>,
    /// Days with other hours than their weekday, each at most once.
    #[garde(length(max = MAX_EXCEPTIONS), dive)]
    #[schema(max_items = 400)]
    exceptions: Vec<ShopException>,
}

/// Open from here until there.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShopSpan {
    /// The begin, 24 hours.
    #[garde(pattern(text::TIME))]
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "18:00")]
    from: String,
    /// The end; not after the begin means the next day.
    #[garde(pattern(text::TIME))]
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "02:00")]
    until: String,
}

/// Other hours on one date.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShopException {
    /// The day.
    #[garde(skip)]
    #[schema(value_type = String, format = Date, example = "2026-12-24")]
    date: jiff::civil::Date,
    /// Spans that begin on it; none: closed.
    #[garde(length(max = MAX_SPANS), dive)]
    #[serde(default)]
    #[schema(max_items = 8)]
    hours: Vec<ShopSpan>,
}

impl ShopHours {
    /// What was meant; 422 where spans overlap or a date comes twice.
    pub fn read(&self) -> Result<OpeningHours> {
        let days = [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ];
        let mut weekly: [Vec<Span>; 7] = Default::default();
        for (day, (name, spans)) in weekly.iter_mut().zip(days) {
            *day = spans_of(spans, name)?;
        }
        let mut exceptions = std::collections::BTreeMap::new();
        for (index, exception) in self.exceptions.iter().enumerate() {
            let place = format!("exceptions/{index}");
            let spans = spans_of(&exception.hours, &format!("{place}/hours"))?;
            if exceptions.insert(exception.date, spans).is_some() {
                return Err(refused(&format!("{place}/date"), "comes twice"));
            }
        }
        Ok(OpeningHours { weekly, exceptions })
    }
}

impl From<OpeningHours> for ShopHours {
    fn from(hours: OpeningHours) -> Self {
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] =
            hours.weekly.map(|spans| view(&spans));
        let exceptions = hours
            .exceptions
            .into_iter()
            .map(|(date, spans)| ShopException { date, hours: view(&spans) })
            .collect();
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday, exceptions }
    }
}

fn view(spans: &[Span]) -> Vec<ShopSpan> {
    spans.iter().map(|span| ShopSpan { from: span.from.to_string(), until: span.until.to_string() }).collect()
}

fn spans_of(spans: &[ShopSpan], place: &str) -> Result<Vec<Span>> {
    let minute = |text: &str| Minute::parse(text).ok_or_else(|| refused(place, "not a time of day"));
    let spans = spans
        .iter()
        .map(|span| Ok(Span { from: minute(&span.from)?, until: minute(&span.until)? }))
        .collect::<Result<Vec<_>>>()?;
    hours::day(spans).map_err(|overlap| refused(place, &overlap.to_string()))
}

fn refused(place: &str, detail: &str) -> Error {
    Error::invalid_field(format!("/opening_hours/{place}"), detail)
}
