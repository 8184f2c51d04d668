//! What is drawn: a geometry in a layer, with attributes.
//!
//! Layers and attributes are those of the Protomaps basemap schema, version 4
//! (<https://docs.protomaps.com/basemaps/layers>), so that its styles, and an owner's own archive in that schema, work
//! unchanged.

/// The layers, in the order in which a tile lists them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Layer {
    Earth,
    Landuse,
    Water,
    Roads,
    Buildings,
    Boundaries,
    Places,
    Pois,
}

impl Layer {
    pub const ALL: [Self; 8] = [
        Self::Earth,
        Self::Landuse,
        Self::Water,
        Self::Roads,
        Self::Buildings,
        Self::Boundaries,
        Self::Places,
        Self::Pois,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Earth => "earth",
            Self::Landuse => "landuse",
            Self::Water => "water",
            Self::Roads => "roads",
            Self::Buildings => "buildings",
            Self::Boundaries => "boundaries",
            Self::Places => "places",
            Self::Pois => "pois",
        }
    }

    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Text(&'a str),
    Number(i64),
    /// Kept to a tenth: heights in metres.
    Tenths(i64),
    Flag(bool),
}

/// An attribute that appears from a zoom on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute<'a> {
    pub key: &'a str,
    pub value: Value<'a>,
    pub min_zoom: u8,
}

/// Everything about a feature but its geometry.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature<'a> {
    pub layer: Layer,
    /// The zooms at which it is drawn, both included.
    pub min_zoom: u8,
    pub max_zoom: u8,
    /// Within its layer, lower ones come first: drawn below, and first in the choice of labels.
    pub order: u32,
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Feature<'a> {
    pub fn new(layer: Layer, kind: &'a str, min_zoom: u8) -> Self {
        let feature = Self {
            layer,
            min_zoom,
            max_zoom: crate::mercator::MAX_ZOOM,
            order: u32::from(min_zoom),
            attributes: Vec::with_capacity(8),
        };
        feature.text("kind", kind)
    }

    fn with(mut self, key: &'a str, value: Value<'a>, min_zoom: u8) -> Self {
        self.attributes.push(Attribute { key, value, min_zoom });
        self
    }

    pub fn text(self, key: &'a str, value: &'a str) -> Self {
        self.with(key, Value::Text(value), 0)
    }

    /// Adds the text when there is one, visible from a zoom on.
    pub fn text_from(self, key: &'a str, value: Option<&'a str>, min_zoom: u8) -> Self {
        match value {
            Some(value) => self.with(key, Value::Text(value), min_zoom),
            None => self,
        }
    }

    pub fn number(self, key: &'a str, value: i64) -> Self {
        self.with(key, Value::Number(value), 0)
    }

    pub fn number_from(self, key: &'a str, value: Option<i64>, min_zoom: u8) -> Self {
        match value {
            Some(value) => self.with(key, Value::Number(value), min_zoom),
            None => self,
        }
    }

    pub fn tenths(self, key: &'a str, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.with(key, Value::Tenths(value), 0),
            None => self,
        }
    }

    /// A flag is there or is not: styles ask whether the attribute exists.
    pub fn flag_from(self, key: &'a str, value: bool, min_zoom: u8) -> Self {
        if value { self.with(key, Value::Flag(true), min_zoom) } else { self }
    }

    /// The `min_zoom` attribute counts tiles of 512 points, one more than the zoom at which the feature appears.
    pub fn label_zoom(self, min_zoom: u8) -> Self {
        self.number("min_zoom", i64::from(min_zoom) + 1)
    }

    pub fn ordered(mut self, order: u32) -> Self {
        self.order = order;
        self
    }

    pub fn until(mut self, max_zoom: u8) -> Self {
        self.max_zoom = max_zoom;
        self
    }
}
