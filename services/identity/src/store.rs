//! The SQL of identity. Row types are private; what leaves here are the entities of `crate::entities`.

pub mod api_keys;
pub mod challenges;
pub mod credentials;
pub mod invitations;
pub mod links;
pub mod memberships;
pub mod organizations;
pub mod passkeys;
pub mod recovery_codes;
pub mod sessions;
pub mod signing_keys;
pub mod totp;
pub mod users;

use platform::vault::SealedColumn;

/// What is sealed with the key of a person; secrets of the installation itself are sealed with its own key.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn { table: "identity.users", column: "name", row: "id", subject: "id" },
    SealedColumn { table: "identity.users", column: "email", row: "id", subject: "id" },
    SealedColumn { table: "identity.users", column: "phone", row: "id", subject: "id" },
    SealedColumn { table: "identity.totp", column: "secret", row: "user_id", subject: "user_id" },
    SealedColumn { table: "identity.passkeys", column: "name", row: "id", subject: "user_id" },
    SealedColumn { table: "identity.invitations", column: "email", row: "id", subject: "id" },
    platform::files::SEALED,
];
