//! What the texts of a row mean: a row becomes the body of an order, as a caller of the API would have written it. What
//! remains to be checked is checked as for every other order.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use kernel::geo::Position;
use kernel::ids::ShopId;
use kernel::money::Currency;
use serde_json::{Map, Value, json};

use super::RowError;
use super::columns::{Field, Mapping};

/// What a row does not say because it is the same for all.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Where the orders come from.
    pub shop_id: ShopId,
    /// In which times without an offset are.
    pub zone: TimeZone,
    /// Of amounts.
    pub currency: Currency,
    /// The day of times without a date.
    pub today: Date,
}

/// A row while it is read.
struct Row<'a> {
    mapping: &'a Mapping,
    cells: &'a [String],
    errors: Vec<RowError>,
}

impl Row<'_> {
    /// The text of a field; `None` when nothing is said.
    fn text(&self, field: Field) -> Option<&str> {
        let at = self.mapping.0.iter().position(|column| column.field == Some(field))?;
        self.cells.get(at).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// What a field means; when it means nothing that is noted.
    fn read<T>(&mut self, field: Field, meaning: impl FnOnce(&str) -> Option<T>, wanted: &str) -> Option<T> {
        let meant = meaning(self.text(field)?);
        if meant.is_none() {
            self.wrong(field, wanted);
        }
        meant
    }

    /// The text of a field that an order needs. Something stands in for a missing one, so that the rest is looked at as well.
    fn needed(&mut self, field: Field) -> String {
        if self.text(field).is_none() {
            self.wrong(field, "is missing");
        }
        self.text(field).unwrap_or("-").to_owned()
    }

    fn wrong(&mut self, field: Field, wanted: &str) {
        self.errors.push(RowError {
            column: self.mapping.heading(field).map(str::to_owned),
            pointer: field.pointer().to_owned(),
            text: wanted.to_owned(),
        });
    }
}

/// A row as the body of an order, and what is wrong with it so far.
pub fn read(mapping: &Mapping, cells: &[String], setting: &Setting) -> (Value, Vec<RowError>) {
    let mut row = Row { mapping, cells, errors: Vec::new() };
    let time = "is no time: 2026-11-20 12:45, 20.11.2026 12:45, 12:45 or 2026-11-20T12:45:00Z";
    let moment = |text: &str| moment(text, setting);
    let (street, postcode, city) =
        (row.needed(Field::Street), row.needed(Field::Postcode), row.needed(Field::City));
    let position = position(&mut row);
    let window = json!({ "from": row.read(Field::WindowFrom, moment, time),
                         "until": row.read(Field::WindowUntil, moment, time) });
    let phone = row.read(Field::Phone, phone, "needs + and the country code, as +44 20 7946 0018");
    let ready_at = row.read(Field::ReadyAt, moment, time);
    let priority = row.read(Field::Priority, |text| text.parse::<i16>().ok(), "is no whole number");
    let amount = |text: &str| minor(text, setting.currency.exponent());
    let cash = row.read(Field::Cash, amount, "is no amount in the shop's currency");
    let packages = packages(&mut row);
    let said = |field| row.text(field);
    let body = json!({
        "shop_id": setting.shop_id,
        "reference": said(Field::Reference),
        "dropoff": {
            "street": street,
            "postcode": postcode,
            "city": city,
            "country": said(Field::Country).map(str::to_uppercase),
            "position": position,
            "contact": { "name": said(Field::Name), "phone": phone },
            "door": said(Field::Door),
            "notes": said(Field::Notes),
            "window": window,
        },
        "packages": packages,
        "ready_at": ready_at,
        "priority": priority,
        "tags": said(Field::Tags).map(tags),
        "cash": cash.map(|amount| json!({ "amount_minor": amount, "currency": setting.currency })),
    });
    (without_nulls(body), row.errors)
}

/// What is absent is not said: a needed field is then missing, and not null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, member)| !member.is_null());
            Value::Object(members.map(|(name, member)| (name, without_nulls(member))).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// A decimal number with a point or a comma.
fn decimal(text: &str) -> Option<f64> {
    text.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

fn position(row: &mut Row<'_>) -> Option<Value> {
    let lat = row.read(Field::Lat, decimal, "is no number of degrees");
    let lon = row.read(Field::Lon, decimal, "is no number of degrees");
    let both = row.text(Field::Lat).is_some() == row.text(Field::Lon).is_some();
    let placed = lat.zip(lon).and_then(|(lat, lon)| Position::new(lat, lon).ok());
    let readable = !row.errors.iter().any(|error| error.pointer == Field::Lat.pointer());
    if placed.is_none() && readable && (lat.is_some() || !both) {
        let field = if row.text(Field::Lat).is_some() { Field::Lat } else { Field::Lon };
        row.wrong(field, "is no place on the earth: latitude and longitude in degrees");
    }
    placed.map(|place| json!({ "lat": place.lat(), "lon": place.lon() }))
}

/// As many packages as are said, which share the weight; the first takes what does not divide.
fn packages(row: &mut Row<'_>) -> Option<Value> {
    let number = |text: &str| text.parse::<u32>().ok();
    let count = |text: &str| number(text).filter(|count| (1..=50).contains(count));
    let said = row.read(Field::Packages, count, "is no whole number from 1 to 50");
    let weight = row.read(Field::WeightG, number, "is no whole number of grams");
    let description = row.text(Field::Description);
    if said.is_none() && weight.is_none() && description.is_none() {
        return None;
    }
    let (count, weight) = (said.unwrap_or(1), weight.unwrap_or(0));
    let share = weight / count;
    let one = |at: u32| {
        let weight_g = if at == 0 { weight - share * (count - 1) } else { share };
        without_nulls(json!({ "weight_g": weight_g, "description": description }))
    };
    Some((0..count).map(one).collect())
}

/// A phone number in E.164, without the signs that make it readable.
fn phone(text: &str) -> Option<String> {
    // The zero in +49 (0)30 is dialled inside the country only.
    let text = if text.starts_with('+') { text.replace("(0)", "") } else { text.to_owned() };
    let bare: String =
        text.chars().filter(|sign| !matches!(sign, ' ' | '\u{a0}' | '-' | '(' | ')' | '.' | '/')).collect();
    let bare = bare.strip_prefix("00").map_or(bare.clone(), |rest| format!("+{rest}"));
    let digits = bare.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0');
    fits.then_some(bare)
}

/// An amount in minor units: 12, 12.5, 12,50.
fn minor(text: &str, exponent: u32) -> Option<i64> {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let places = usize::try_from(exponent).ok()?;
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || part.len() > places || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<places$}").parse().ok()
}

fn tags(text: &str) -> Vec<&str> {
    text.split([',', ';', '|', ' ']).filter(|tag| !tag.is_empty()).collect()
}

/// A moment; without an offset in the shop's zone, without a date today.
fn moment(text: &str, setting: &Setting) -> Option<Timestamp> {
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Some(exact);
    }
    let dotted = |form| DateTime::strptime(form, text).ok();
    let local = match text.parse::<DateTime>() {
        // A date alone says nothing about the hour.
        Ok(local) if text.contains(':') => local,
        _ => dotted("%d.%m.%Y %H:%M").or_else(|| dotted("%d.%m.%Y %H:%M:%S")).or_else(|| {
            let time = Time::strptime("%H:%M", text).or_else(|_| Time::strptime("%H:%M:%S", text));
            Some(setting.today.to_datetime(time.ok()?))
        })?,
    };
    setting.zone.to_ambiguous_timestamp(local).compatible().ok()
}

#[cfg(test)]
mod tests;
