//! Money: integer minor units with an ISO 4217 currency. Never a float.

use std::fmt;

/// An ISO 4217 alphabetic code, three upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// Why money could not be made or added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three letters.
    #[error("a currency is three letters, as in ISO 4217")]
    Currency,
    /// The two amounts are in different currencies.
    #[error("amounts in different currencies cannot be combined")]
    Mixed,
    /// The sum does not fit.
    #[error("the amount is too large")]
    Overflow,
}

impl std::str::FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_not_three| MoneyError::Currency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) { Ok(Self(bytes)) } else { Err(MoneyError::Currency) }
    }
}

impl Currency {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits behind the point of the major unit (ISO 4217; the currencies that differ from two).
    pub fn exponent(&self) -> u32 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
            | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount in minor units (cents, fils, yen) of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; negative for refunds and corrections.
    pub amount_minor: i64,
    /// The currency of the amount.
    pub currency: Currency,
}

impl Money {
    /// An amount of minor units.
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    /// Adds two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// Subtracts an amount of the same currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, with: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed);
        }
        let amount_minor = with(self.amount_minor, other.amount_minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount_minor, currency: self.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::try_from(self.currency.exponent()).unwrap_or(2);
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", self.amount_minor.unsigned_abs(), width = digits + 1);
        let (major, minor) = text.split_at(text.len() - digits);
        let point = if digits == 0 { "" } else { "." };
        write!(f, "{sign}{major}{point}{minor} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, currency: &str) -> Money {
        Money::new(amount, currency.parse().unwrap())
    }

    #[test]
    fn prints_with_the_digits_of_its_currency() {
        assert_eq!(money(1250, "EUR").to_string(), "12.50 EUR");
        assert_eq!(money(-5, "EUR").to_string(), "-0.05 EUR");
        assert_eq!(money(1250, "JPY").to_string(), "1250 JPY");
        assert_eq!(money(1250, "KWD").to_string(), "1.250 KWD");
    }

    #[test]
    fn refuses_to_mix_or_overflow() {
        assert_eq!(money(1, "EUR").checked_add(money(1, "USD")), Err(MoneyError::Mixed));
        assert_eq!(money(i64::MAX, "EUR").checked_add(money(1, "EUR")), Err(MoneyError::Overflow));
        assert_eq!(money(300, "EUR").checked_sub(money(50, "EUR")), Ok(money(250, "EUR")));
        assert_eq!("eur".parse::<Currency>(), Err(MoneyError::Currency));
        assert_eq!("€".parse::<Currency>(), Err(MoneyError::Currency));
    }
}
