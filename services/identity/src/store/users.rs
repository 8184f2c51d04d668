//! Users: sealed columns with a key per user, found by keyed hashes.

use jiff_sqlx::{Timestamp as SqlTime, ToSqlx};
use kernel::ids::{FileId, UserId, Uuid};
use platform::db::{Locked, Tx};
use platform::vault::{Place, Private, Subject, SubjectKey, Vault};
use platform::{Error, Result};

use crate::domain::contact::{Email, Phone};
use crate::entities::User;

const TABLE: &str = "identity.users";

/// What a new user needs.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// As the person wants to be called.
    pub name: Private,
    /// To sign in with.
    pub email: Option<Email>,
    /// To sign in with.
    pub phone: Option<Phone>,
    /// Runs the installation.
    pub operator: bool,
}

struct Row {
    id: Uuid,
    version: i64,
    name: Vec<u8>,
    email: Option<Vec<u8>>,
    phone: Option<Vec<u8>>,
    state: String,
    operator: bool,
    photo: Option<Uuid>,
    created_at: SqlTime,
}

impl Row {
    fn open(self, key: &SubjectKey) -> Result<User> {
        let open = |column, value: Vec<u8>| key.open(Place::new(TABLE, column, self.id), &value);
        Ok(User {
            id: UserId::new(self.id),
            version: self.version,
            name: open("name", self.name)?,
            email: self.email.map(|value| open("email", value)).transpose()?,
            phone: self.phone.map(|value| open("phone", value)).transpose()?,
            active: self.state == "active",
            operator: self.operator,
            photo: self.photo.map(FileId::new),
            created_at: self.created_at.to_jiff(),
        })
    }
}

/// Creates a user. An address or number that somebody has already is a 409.
pub async fn insert(tx: &mut Tx, vault: &Vault, new: NewUser) -> Result<User> {
    let id: UserId = tx.id();
    let now = tx.now();
    let key = vault.subject(tx, Subject::of_installation(id)).await?;
    let place = |column| Place::new(TABLE, column, id);
    let name = key.seal(place("name"), &new.name)?;
    let email = new.email.as_ref().map(|email| key.seal(place("email"), email.private())).transpose()?;
    let phone = new.phone.as_ref().map(|phone| key.seal(place("phone"), phone.private())).transpose()?;
    let (email_index, phone_index) = indexes(tx, vault, new.email.as_ref(), new.phone.as_ref()).await?;
    sqlx::query!(
        "INSERT INTO identity.users (id, name, email, email_index, phone, phone_index, operator, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        id.uuid(),
        name,
        email,
        email_index,
        phone,
        phone_index,
        new.operator,
        now.to_sqlx() as _,
    )
    .execute(tx.conn())
    .await
    .map_err(taken)?;
    Ok(User {
        id,
        version: 1,
        name: new.name,
        email: new.email.map(|email| email.private().clone()),
        phone: new.phone.map(|phone| phone.private().clone()),
        active: true,
        operator: new.operator,
        photo: None,
        created_at: now,
    })
}

async fn indexes(
    tx: &mut Tx,
    vault: &Vault,
    email: Option<&Email>,
    phone: Option<&Phone>,
) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>)> {
    let keys = vault.installation(tx).await?;
    let email = email.map(|email| keys.index("users.email", email.private().reveal()));
    let phone = phone.map(|phone| keys.index("users.phone", phone.private().reveal()));
    Ok((email, phone))
}

fn taken(error: sqlx::Error) -> Error {
    let constraint = error.as_database_error().and_then(|db| db.constraint()).unwrap_or_default();
    let code = match constraint {
        "users_email_index_key" => "email_taken",
        "users_phone_index_key" => "phone_taken",
        _ => return error.into(),
    };
    Error::new(platform::Kind::Conflict, code, "Somebody has an account with this already.")
        .with_source(error)
}

/// Reads a user.
pub async fn find(tx: &mut Tx, vault: &Vault, id: UserId) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, email, phone, state, operator, photo, created_at AS "created_at: SqlTime"
             FROM identity.users WHERE id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    open(tx, vault, row).await
}

/// Reads and locks a user, to change it.
pub async fn lock(tx: &mut Tx, vault: &Vault, id: UserId) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, version, name, email, phone, state, operator, photo, created_at AS "created_at: SqlTime"
             FROM identity.users WHERE id = $1 FOR UPDATE"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    open(tx, vault, row).await
}

async fn open(tx: &mut Tx, vault: &Vault, row: Option<Row>) -> Result<Option<User>> {
    let Some(row) = row else { return Ok(None) };
    // An erased person is not there any more.
    let Some(key) = vault.existing(tx, Subject::of_installation(row.id)).await? else { return Ok(None) };
    row.open(&key).map(Some)
}

/// Finds a user by the address or number to sign in with.
pub async fn id_by_email(tx: &mut Tx, vault: &Vault, email: &Email) -> Result<Option<UserId>> {
    let index = vault.installation(tx).await?.index("users.email", email.private().reveal());
    let id = sqlx::query_scalar!("SELECT id FROM identity.users WHERE email_index = $1", index)
        .fetch_optional(tx.conn())
        .await?;
    Ok(id.map(UserId::new))
}

/// Finds a user by phone number.
pub async fn id_by_phone(tx: &mut Tx, vault: &Vault, phone: &Phone) -> Result<Option<UserId>> {
    let index = vault.installation(tx).await?.index("users.phone", phone.private().reveal());
    let id = sqlx::query_scalar!("SELECT id FROM identity.users WHERE phone_index = $1", index)
        .fetch_optional(tx.conn())
        .await?;
    Ok(id.map(UserId::new))
}

/// What changes about a locked user.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new name.
    pub name: Option<Private>,
    /// A new address.
    pub email: Option<Email>,
    /// A new number.
    pub phone: Option<Phone>,
}

impl Change {
    /// Names of the fields that change.
    pub fn fields(&self) -> Vec<String> {
        let named =
            [("name", self.name.is_some()), ("email", self.email.is_some()), ("phone", self.phone.is_some())];
        named.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect()
    }
}

/// Applies a change to a locked user.
pub async fn update(tx: &mut Tx, vault: &Vault, user: &User, change: &Change) -> Result<Locked> {
    let now = tx.now();
    let key = vault.subject(tx, Subject::of_installation(user.id)).await?;
    let place = |column| Place::new(TABLE, column, user.id);
    let name = change.name.as_ref().map(|name| key.seal(place("name"), name)).transpose()?;
    let email = change.email.as_ref().map(|email| key.seal(place("email"), email.private())).transpose()?;
    let phone = change.phone.as_ref().map(|phone| key.seal(place("phone"), phone.private())).transpose()?;
    let (email_index, phone_index) = indexes(tx, vault, change.email.as_ref(), change.phone.as_ref()).await?;
    let version = sqlx::query_scalar!(
        "UPDATE identity.users
            SET name = coalesce($2, name), email = coalesce($3, email), email_index = coalesce($4, email_index),
                phone = coalesce($5, phone), phone_index = coalesce($6, phone_index),
                version = version + 1, updated_at = $7
          WHERE id = $1 RETURNING version",
        user.id.uuid(),
        name,
        email,
        email_index,
        phone,
        phone_index,
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await
    .map_err(taken)?;
    Ok(Locked::new(user.id, version))
}

/// Shows another picture of a locked user, or none.
pub async fn set_photo(tx: &mut Tx, user: UserId, photo: Option<FileId>) -> Result<Locked> {
    let now = tx.now();
    let version = sqlx::query_scalar!(
        "UPDATE identity.users SET photo = $2, version = version + 1, updated_at = $3 WHERE id = $1 RETURNING version",
        user.uuid(),
        photo.map(FileId::uuid),
        now.to_sqlx() as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Locked::new(user, version))
}
