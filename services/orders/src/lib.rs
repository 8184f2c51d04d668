//! # Orders

mod domain;

use platform::Result;
use platform::http::openapi::{Api, ServiceApi};
use platform::permissions::Permission;
use platform::service::{Ground, Manifest, Service};
use sqlx::migrate::Migrator;

/// The name of this service, its schema and its login role.
pub const NAME: &str = "orders";

/// The services that it calls.
pub const NEEDS: &[&str] = &[];

/// Its rows of the permission table.
pub const PERMISSIONS: &[Permission] = &[];

static MIGRATIONS: Migrator = sqlx::migrate!();

/// What the service declares about itself.
pub fn manifest() -> Manifest {
    Manifest {
        name: NAME,
        migrations: Some(&MIGRATIONS),
        subjects: &[],
        permissions: PERMISSIONS,
        sealed: &[],
    }
}

/// The service, ready to run.
pub fn service(ground: &Ground) -> Result<Service> {
    Ok(Service {
        manifest: manifest(),
        api: api()?,
        internal: None,
        consumers: Vec::new(),
        jobs: Vec::new(),
        schedules: Vec::new(),
        db: Some(ground.db.clone()),
    })
}

fn api() -> Result<ServiceApi> {
    Api::<()>::new(NAME).with_state(()).finish(PERMISSIONS)
}
