//! Which column is which field. Headings are recognised by what people call things, whatever their case and signs; a caller
//! may say otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What an outside system calls it.
    Reference,
    /// Who receives it.
    Name,
    /// Their number.
    Phone,
    /// Street and house number.
    Street,
    /// Postcode.
    Postcode,
    /// City.
    City,
    /// ISO 3166-1 alpha-2.
    Country,
    /// Floor, code, bell.
    Door,
    /// For the driver.
    Notes,
    /// Degrees north.
    Lat,
    /// Degrees east.
    Lon,
    /// Not before.
    WindowFrom,
    /// Not after.
    WindowUntil,
    /// When the goods are ready.
    ReadyAt,
    /// Higher goes first.
    Priority,
    /// To collect at the door.
    Cash,
    /// Words to find it by.
    Tags,
    /// What it is.
    Description,
    /// Grams of all packages.
    WeightG,
    /// How many packages.
    Packages,
}

/// Word, place in the body of an order, and what people call it: lower case, letters and digits only.
type Row = (Field, &'static str, &'static str, &'static [&'static str]);

const FIELDS: &[Row] = &[
    (
        Field::Reference,
        "reference",
        "/reference",
        &["ref", "orderreference", "ordernumber", "orderid", "externalid", "bestellnummer"],
    ),
    (
        Field::Name,
        "name",
        "/dropoff/contact/name",
        &[
            "recipient",
            "recipientname",
            "customer",
            "customername",
            "contact",
            "contactname",
            "empfänger",
            "kunde",
        ],
    ),
    (
        Field::Phone,
        "phone",
        "/dropoff/contact/phone",
        &["phonenumber", "telephone", "tel", "mobile", "contactphone", "telefon", "handy", "puhelin"],
    ),
    (
        Field::Street,
        "street",
        "/dropoff/street",
        &[
            "address",
            "streetaddress",
            "address1",
            "addressline1",
            "deliveryaddress",
            "strasse",
            "straße",
            "adresse",
            "katuosoite",
        ],
    ),
    (
        Field::Postcode,
        "postcode",
        "/dropoff/postcode",
        &["zip", "zipcode", "postalcode", "plz", "postleitzahl", "postinumero"],
    ),
    (Field::City, "city", "/dropoff/city", &["town", "place", "ort", "stadt", "ville", "kaupunki"]),
    (Field::Country, "country", "/dropoff/country", &["countrycode", "land"]),
    (
        Field::Door,
        "door",
        "/dropoff/door",
        &["floor", "apartment", "flat", "doorcode", "address2", "addressline2"],
    ),
    (
        Field::Notes,
        "notes",
        "/dropoff/notes",
        &["note", "comment", "comments", "instructions", "deliverynotes", "bemerkung", "hinweis"],
    ),
    (Field::Lat, "lat", "/dropoff/position", &["latitude"]),
    (Field::Lon, "lon", "/dropoff/position", &["lng", "long", "longitude"]),
    (
        Field::WindowFrom,
        "window_from",
        "/dropoff/window/from",
        &["from", "notbefore", "earliest", "windowstart", "deliverfrom"],
    ),
    (
        Field::WindowUntil,
        "window_until",
        "/dropoff/window/until",
        &["until", "to", "notafter", "latest", "windowend", "deliverby", "deliveruntil"],
    ),
    (Field::ReadyAt, "ready_at", "/ready_at", &["ready", "pickuptime"]),
    (Field::Priority, "priority", "/priority", &["prio"]),
    (Field::Cash, "cash", "/cash", &["cashondelivery", "cod", "amount", "collect", "nachnahme"]),
    (Field::Tags, "tags", "/tags", &["tag", "labels"]),
    (Field::Description, "description", "/packages/0/description", &["goods", "contents", "item", "items"]),
    (Field::WeightG, "weight_g", "/packages/0/weight_g", &["weight", "grams"]),
    (Field::Packages, "packages", "/packages", &["packagecount", "parcels", "pieces", "quantity", "qty"]),
];

/// Without these nothing can be delivered.
const NEEDED: [Field; 3] = [Field::Street, Field::Postcode, Field::City];

/// One column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// What it is; `None`: nothing is read from it.
    pub field: Option<Field>,
}

/// Which column is which field, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub Vec<Column>);

/// Why the columns of a file do not make orders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The file has no such heading.
    #[error("names a column that the file does not have")]
    NoColumn,
    /// There is no such field.
    #[error("names a field that is none: {words} or ignore", words = words())]
    NoField,
    /// Two columns say the same.
    #[error("two columns are the {}: say which one by `mapping`", .0.word())]
    Twice(Field),
    /// A needed one is missing.
    #[error("no column is the {}: street, postcode and city are needed", .0.word())]
    Missing(Field),
}

fn words() -> String {
    FIELDS.iter().map(|(_, word, ..)| *word).collect::<Vec<_>>().join(", ")
}

/// A heading as it is compared.
fn plain(heading: &str) -> String {
    heading.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Field {
    fn row(self) -> &'static Row {
        FIELDS.iter().find(|row| row.0 == self).unwrap_or_else(|| unreachable!("every field has its row"))
    }

    /// The word.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// Where it is in the body of an order.
    pub fn pointer(self) -> &'static str {
        self.row().2
    }

    fn of_word(word: &str) -> Option<Self> {
        FIELDS.iter().find(|row| row.1 == word).map(|row| row.0)
    }

    fn of_heading(heading: &str) -> Option<Self> {
        let plain = plain(heading);
        let fits = |row: &&Row| self::plain(row.1) == plain || row.3.contains(&plain.as_str());
        FIELDS.iter().find(fits).map(|row| row.0)
    }
}

impl Mapping {
    /// Recognises headings; `said` is what the caller says of some: heading to field, or `ignore`.
    pub fn detect(headings: &[String], said: &BTreeMap<String, String>) -> Result<Self, ColumnError> {
        if said.keys().any(|named| !headings.contains(named)) {
            return Err(ColumnError::NoColumn);
        }
        let column = |heading: &String| {
            let field = match said.get(heading).map(String::as_str) {
                Some("ignore") => None,
                Some(word) => Some(Field::of_word(word).ok_or(ColumnError::NoField)?),
                None => Field::of_heading(heading),
            };
            Ok(Column { heading: heading.chars().take(100).collect(), field })
        };
        let mapping = Self(headings.iter().map(column).collect::<Result<_, _>>()?);
        for (field, ..) in FIELDS {
            match mapping.0.iter().filter(|column| column.field == Some(*field)).count() {
                0 if NEEDED.contains(field) => return Err(ColumnError::Missing(*field)),
                0 | 1 => {}
                _ => return Err(ColumnError::Twice(*field)),
            }
        }
        Ok(mapping)
    }

    /// The heading of a field.
    pub fn heading(&self, field: Field) -> Option<&str> {
        self.0.iter().find(|column| column.field == Some(field)).map(|column| column.heading.as_str())
    }

    /// The heading from which a place in the body of an order was read.
    pub fn heading_of(&self, pointer: &str) -> Option<&str> {
        let fits = |field: Field| {
            pointer.strip_prefix(field.pointer()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // The most exact one: `/packages/0/weight_g` is the weight, not the number of packages.
        let columns = self.0.iter().filter(|column| column.field.is_some_and(fits));
        // Of equals the first.
        let best = columns.rev().max_by_key(|column| column.field.map_or(0, |field| field.pointer().len()));
        best.map(|column| column.heading.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    fn detect(line: &str, said: &[(&str, &str)]) -> Result<Vec<Option<Field>>, ColumnError> {
        let said = said.iter().map(|(heading, word)| ((*heading).to_owned(), (*word).to_owned())).collect();
        Mapping::detect(&headings(line), &said)
            .map(|mapping| mapping.0.into_iter().map(|column| column.field).collect())
    }

    #[test]
    fn every_word_of_every_field_is_recognised_and_means_one_field() {
        let mut seen = BTreeMap::new();
        for (field, word, _, others) in FIELDS {
            for heading in others.iter().chain([word]) {
                assert_eq!(Field::of_heading(heading), Some(*field), "{heading}");
                let before = seen.insert(plain(heading), *field);
                assert!(before.is_none_or(|before| before == *field), "{heading} is two things");
            }
        }
    }

    #[test]
    fn case_and_signs_do_not_matter() {
        let found = detect("Street Address,ZIP-Code,TOWN,Phone number,Window_From,Colour", &[]).unwrap();
        let wanted = [Field::Street, Field::Postcode, Field::City, Field::Phone, Field::WindowFrom].map(Some);
        assert_eq!(found, [&wanted[..], &[None]].concat());
    }

    #[test]
    fn the_caller_has_the_last_word() {
        let found = detect("Where,ZIP,City,Notes", &[("Where", "street"), ("Notes", "ignore")]).unwrap();
        assert_eq!(found, [Some(Field::Street), Some(Field::Postcode), Some(Field::City), None]);
        assert_eq!(detect("a,b", &[("c", "street")]), Err(ColumnError::NoColumn));
        assert_eq!(detect("a,b", &[("a", "colour")]), Err(ColumnError::NoField));
    }

    #[test]
    fn what_is_missing_or_said_twice_is_named() {
        assert_eq!(detect("street,city", &[]), Err(ColumnError::Missing(Field::Postcode)));
        assert_eq!(detect("street,address,zip,city", &[]), Err(ColumnError::Twice(Field::Street)));
        let text = ColumnError::Missing(Field::City).to_string();
        assert_eq!(text, "no column is the city: street, postcode and city are needed");
    }

    #[test]
    fn a_place_in_an_order_leads_back_to_its_column() {
        let mapping =
            Mapping::detect(&headings("Street,ZIP,City,Parcels,Weight,Lat"), &BTreeMap::new()).unwrap();
        for (pointer, heading) in [
            ("/dropoff/street", Some("Street")),
            ("/packages", Some("Parcels")),
            ("/packages/0/weight_g", Some("Weight")),
            ("/packages/1/volume_ml", Some("Parcels")),
            ("/dropoff/position/lat", Some("Lat")),
            ("/dropoff/streets", None),
            ("/shop_id", None),
        ] {
            assert_eq!(mapping.heading_of(pointer), heading, "{pointer}");
        }
    }
}
