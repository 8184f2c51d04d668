//! Secrets of devices: shown once, stored as a hash. 160 random bits need no slow hash. The prefix lets people and scanners
//! recognise one; it is not that of a device key, which goes through the gate.

use kernel::random::Random;
use sha2::{Digest, Sha256};

const PREFIX: &str = "dmt_";
/// Random characters behind the prefix: 32 x 5 bits.
const LEN: usize = 32;

/// Draws the secret of a device.
pub fn draw(random: &Random) -> String {
    format!("{PREFIX}{}", random.code(LEN).to_lowercase())
}

/// What is stored of a secret, and of the code of a customer's page.
pub fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// What is stored of the code of a customer's page: people type codes in lower case, and with the letters that Crockford's
/// alphabet leaves out.
pub fn hash_of_code(code: &str) -> Vec<u8> {
    let normal: String = code
        .trim()
        .chars()
        .map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    hash(&normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_as_people_type_it() {
        assert_eq!(hash_of_code("7KQ2M9XTB4H1"), hash_of_code(" 7kq2m9xtb4hl "));
        assert_eq!(hash_of_code("0KQ"), hash_of_code("okq"));
        assert_ne!(hash_of_code("7KQ2M9XTB4HP"), hash_of_code("7KQ2M9XTB4HQ"));
    }

    #[test]
    fn a_secret_is_long_and_recognisable() {
        let secret = draw(&Random::seeded(1));
        assert!(secret.starts_with("dmt_") && secret.len() == 36, "{secret}");
        assert!(secret[4..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(draw(&Random::seeded(1)), draw(&Random::seeded(2)));
    }
}
