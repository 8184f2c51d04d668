//! Texts as the API accepts them. The patterns are what the document says and what is enforced: the two cannot differ.

use std::str::FromStr;

use platform::auth::Role;
use platform::vault::Private;
use platform::{Error, Result};

/// Characters that no one-line text may contain, in the notation of both JSON Schema and Rust.
pub const LINE: &str = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$";
/// E-mail addresses that are accepted: ASCII, with a domain of two to eight labels.
pub const EMAIL: &str = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,7}$";
/// Phone numbers in E.164.
pub const PHONE: &str = r"^\+[1-9][0-9]{6,14}$";
/// PINs.
pub const PIN: &str = r"^[0-9]{6,12}$";

/// A role by its word, where the schema has already limited it to those of members.
pub fn role(word: &str) -> Result<Role> {
    Role::from_str(word).map_err(|_unknown| Error::invalid_field("/role", "no such role"))
}

/// A name as the vault takes it.
pub fn private(text: &str) -> Private {
    Private::from(text.trim())
}
