//! What an order is found by. Names and phones enter as keyed hashes only.

use kernel::ids::OrderId;
use platform::Result;
use platform::db::Tx;
use platform::vault::{ScopeKeys, Vault};
use serde_json::Value;

use crate::entities::{Contact, Order};

/// A field and what stands in it.
pub type Term = (String, String);

/// A text as searches compare it: lower case, letters and digits, single blanks.
pub fn plain(text: &str) -> String {
    let words = text.split(|one: char| !one.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

fn hashed(keys: &ScopeKeys, field: &str, text: &str) -> Term {
    let hash = keys.index(&format!("orders.terms.{field}"), text);
    (field.to_owned(), hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

/// The term that a phone is found by: four digits are the last ones of a number, more are the whole.
pub fn of_phone(keys: &ScopeKeys, phone: &str) -> Term {
    if phone.len() == 4 { hashed(keys, "phone4", phone) } else { hashed(keys, "phone", phone) }
}

/// The term that a word of a name is found by: three letters are its beginning, others the whole word.
pub fn of_name(keys: &ScopeKeys, word: &str) -> Term {
    let word = plain(word);
    if word.chars().count() == 3 { hashed(keys, "name3", &word) } else { hashed(keys, "name", &word) }
}

/// The term of a value in the metadata.
pub fn of_metadata(key: &str, value: &str) -> Term {
    (format!("meta:{key}"), value.to_owned())
}

/// A value of the metadata as it is written in a filter.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn of_contact(keys: &ScopeKeys, contact: &Contact) -> Vec<Term> {
    let mut terms = Vec::new();
    if let Some(phone) = &contact.phone {
        let phone = phone.reveal();
        terms.push(hashed(keys, "phone", phone));
        if let Some((at, _)) = phone.char_indices().rev().nth(3) {
            terms.push(hashed(keys, "phone4", &phone[at..]));
        }
    }
    if let Some(name) = &contact.name {
        for word in plain(name.reveal()).split(' ').filter(|word| !word.is_empty()) {
            terms.push(hashed(keys, "name", word));
            let beginning: String = word.chars().take(3).collect();
            if beginning.chars().count() == 3 {
                terms.push(hashed(keys, "name3", &beginning));
            }
        }
    }
    terms
}

/// Everything that an order is found by; its contacts are open.
pub async fn of_order(tx: &mut Tx, vault: &Vault, order: &Order) -> Result<Vec<Term>> {
    let keys = vault.org(tx).await?;
    let mut terms: Vec<Term> = order.tags.iter().map(|tag| ("tag".to_owned(), tag.clone())).collect();
    terms.extend(order.metadata.iter().map(|(key, value)| of_metadata(key, &as_text(value))));
    terms.extend(of_contact(&keys, &order.pickup.contact));
    terms.extend(of_contact(&keys, &order.dropoff.contact));
    terms.sort();
    terms.dedup();
    Ok(terms)
}

/// Writes what an order is found by, in place of what was there.
pub async fn replace(tx: &mut Tx, order: OrderId, terms: &[Term]) -> Result<()> {
    let org = tx.org()?;
    let (fields, words): (Vec<String>, Vec<String>) = terms.iter().cloned().unzip();
    sqlx::query!("DELETE FROM orders.terms WHERE org_id = $1 AND order_id = $2", org.uuid(), order.uuid())
        .execute(tx.conn())
        .await?;
    insert(tx, order, fields, words).await
}

/// Writes what a new order is found by.
pub async fn add(tx: &mut Tx, order: OrderId, terms: &[Term]) -> Result<()> {
    let (fields, words): (Vec<String>, Vec<String>) = terms.iter().cloned().unzip();
    insert(tx, order, fields, words).await
}

async fn insert(tx: &mut Tx, order: OrderId, fields: Vec<String>, words: Vec<String>) -> Result<()> {
    let org = tx.org()?;
    if fields.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO orders.terms (org_id, field, term, order_id)
         SELECT $1, t.field, t.term, $2 FROM unnest($3::text[], $4::text[]) AS t (field, term)",
        org.uuid(),
        order.uuid(),
        &fields,
        &words,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_without_signs_and_case() {
        assert_eq!(plain("  Märchen-Straße  12/B "), "märchen straße 12 b");
        assert_eq!(plain("--"), "");
    }

    #[test]
    fn values_of_metadata_are_found_as_they_are_written() {
        assert_eq!(as_text(&Value::from(true)), "true");
        assert_eq!(as_text(&Value::from(12)), "12");
        assert_eq!(as_text(&Value::from("12")), "12");
    }
}
