//! One use case per file: load, decide (domain), save, publish, commit.

pub mod accept_invitation;
pub mod api_keys;
pub mod change_email;
pub mod change_password;
pub mod end_sessions;
pub mod first_run;
pub mod guessing;
pub mod invitations;
pub mod members;
pub mod organizations;
pub mod passkey_sign_in;
pub mod passkeys;
pub mod password_reset;
pub mod passwords;
pub mod pictures;
pub mod reauthenticate;
pub mod refresh;
pub mod register;
pub mod second_factor;
pub mod sign_in;
pub mod switch;
pub mod tokens;
pub mod totp;
pub mod update_me;
