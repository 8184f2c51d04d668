//! Typed identifiers: a time-ordered UUID (version 7) in the database, a TypeID in the API.
//!
//! A TypeID is `prefix_` followed by the 128 bits as 26 characters of lower-case Crockford base 32
//! (specification: TypeID 0.3.0). The first character carries only three bits, so it is at most `7`.
//!
//! All kinds are registered at the end of this file, and nowhere else: two kinds can never share a prefix
//! (a test walks the registry), and an argument of the wrong kind does not compile.

use std::fmt;

pub use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LEN: usize = 26;

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix belongs to another kind, or there is none.
    #[error("expected an identifier that starts with `{expected}_`")]
    Prefix {
        /// The prefix of the wanted kind.
        expected: &'static str,
    },
    /// The part behind the prefix is not 26 characters of lower-case Crockford base 32 within 128 bits.
    #[error("the part behind `{expected}_` is not a valid identifier")]
    Suffix {
        /// The prefix of the wanted kind.
        expected: &'static str,
    },
}

/// What all identifier kinds share; lets generic code (stores, audit, events) print any of them.
pub trait Id: Copy + Eq + fmt::Display + From<Uuid> {
    /// The text before the underscore, as seen in the API.
    const PREFIX: &'static str;
    /// The value as stored in the database.
    fn uuid(self) -> Uuid;
}

/// Writes the 128 bits as 26 base-32 characters.
pub fn encode_suffix(uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    (0..SUFFIX_LEN)
        .map(|i| {
            let shift = 5 * (SUFFIX_LEN - 1 - i);
            let index = usize::try_from((bits >> shift) & 31).unwrap_or(0);
            char::from(ALPHABET[index])
        })
        .collect()
}

/// Reads 26 base-32 characters; refuses upper case, other letters and anything over 128 bits.
pub fn decode_suffix(text: &str) -> Option<Uuid> {
    if text.len() != SUFFIX_LEN || text.as_bytes()[0] > b'7' {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|&letter| letter == byte)?;
        bits = (bits << 5) | u128::try_from(value).ok()?;
    }
    Some(Uuid::from_u128(bits))
}

/// Defines one identifier kind. Only this file calls it.
macro_rules! id_kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub struct $name(Uuid);

            impl $name {
                /// Makes an identifier from a UUID that was drawn elsewhere (see `Random::uuid_v7`).
                pub const fn new(uuid: Uuid) -> Self {
                    Self(uuid)
                }

                /// The value as stored in the database.
                pub const fn uuid(self) -> Uuid {
                    self.0
                }
            }

            impl Id for $name {
                const PREFIX: &'static str = $prefix;
                fn uuid(self) -> Uuid {
                    self.0
                }
            }

            impl From<Uuid> for $name {
                fn from(uuid: Uuid) -> Self {
                    Self(uuid)
                }
            }

            impl From<$name> for Uuid {
                fn from(id: $name) -> Self {
                    id.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, concat!($prefix, "_{}"), encode_suffix(self.0))
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, f)
                }
            }

            impl std::str::FromStr for $name {
                type Err = IdError;
                fn from_str(text: &str) -> Result<Self, IdError> {
                    let suffix = text
                        .strip_prefix(concat!($prefix, "_"))
                        .ok_or(IdError::Prefix { expected: $prefix })?;
                    decode_suffix(suffix)
                        .map(Self)
                        .ok_or(IdError::Suffix { expected: $prefix })
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
        )*

        /// Every prefix in use, for tests and for generated documentation.
        pub const PREFIXES: &[&str] = &[$($prefix),*];
    };
}

id_kinds! {
    /// An organisation: the tenant. All business data belongs to exactly one.
    OrgId = "org";
    /// A person who can sign in; installation-wide, member of one or more organisations.
    UserId = "user";
    /// One membership of a user in an organisation.
    MembershipId = "member";
    /// A signed-in device or browser: a family of refresh tokens.
    SessionId = "session";
    /// An invitation to become a member of an organisation.
    InvitationId = "invite";
    /// An API key or device key.
    ApiKeyId = "key";
    /// A passkey of a person.
    PasskeyId = "passkey";
    /// A key that signs access tokens.
    SigningKeyId = "sigkey";
    /// One event in the log.
    EventId = "event";
    /// One background job.
    JobId = "job";
    /// One audit entry.
    AuditId = "audit";
    /// One HTTP request, as seen in logs and in problem responses.
    RequestId = "req";
    /// A stored file.
    FileId = "file";
    /// A person whose data is sealed with a key of its own.
    SubjectId = "subject";
    /// A shop: where orders come from.
    ShopId = "shop";
    /// A zone: where a shop delivers, and for what fee.
    ZoneId = "zone";
    /// A price that was quoted for one delivery.
    QuoteId = "quote";
    /// A customer of an organisation.
    CustomerId = "customer";
    /// An order: pick up here, drop off there.
    OrderId = "order";
    /// A package of an order.
    PackageId = "package";
    /// One scan in the history of a package.
    ScanId = "scan";
    /// One entry in the history of an order.
    OrderEventId = "step";
    /// What was captured to prove a pick-up, a drop-off or a return.
    ProofId = "proof";
    /// A rule by which orders recur.
    RecurrenceId = "recurrence";
    /// An import of orders from a table.
    ImportId = "import";
    /// A driver of an organisation.
    DriverId = "driver";
    /// A vehicle.
    VehicleId = "vehicle";
    /// Planned working time of a driver.
    ShiftId = "shift";
    /// A document of a driver, such as a licence.
    DocumentId = "document";
    /// A driver's ordered stops.
    RouteId = "route";
    /// One stop of a route.
    StopId = "stop";
    /// A question to a driver whether they take an order.
    OfferId = "offer";
    /// One decision of a dispatch strategy.
    DecisionId = "decision";
    /// One entry of a delivery's timeline.
    UpdateId = "update";
    /// What a customer said about a delivery.
    RatingId = "rating";
    /// A device that reports positions.
    DeviceId = "device";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prefixes_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for prefix in PREFIXES {
            assert!(seen.insert(prefix), "prefix {prefix} is used twice");
        }
    }

    /// Vectors of the TypeID specification (valid.yml of version 0.3.0).
    #[test]
    fn matches_the_published_vectors() {
        let cases = [
            ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
            ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
            ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
            ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
            ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ];
        for (suffix, uuid) in cases {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(encode_suffix(uuid), suffix);
            assert_eq!(decode_suffix(suffix), Some(uuid));
        }
    }

    #[test]
    fn refuses_other_kinds_and_damaged_text() {
        let org = OrgId::new(Uuid::from_u128(7)).to_string();
        assert_eq!(org.parse::<UserId>(), Err(IdError::Prefix { expected: "user" }));
        for bad in [
            "org_",
            "org_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "org_0123456789ABCDEFGHJKMNPQRS",
            "org_i123456789abcdefghjkmnpqrs",
        ] {
            assert_eq!(bad.parse::<OrgId>(), Err(IdError::Suffix { expected: "org" }), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn round_trips(bits: u128) {
            let id = OrgId::new(Uuid::from_u128(bits));
            prop_assert_eq!(id.to_string().parse::<OrgId>().unwrap(), id);
        }

        #[test]
        fn never_panics_on_foreign_text(text in ".{0,64}") {
            let _ = text.parse::<OrgId>();
        }
    }
}
