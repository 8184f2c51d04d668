//! `dropmate vault`

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use kernel::ids::{OrgId, SubjectId, UserId, Uuid, decode_suffix};
use platform::vault::Subject;
use runtime::{Installation, master};

use crate::cli::{RotateWhat, VaultAction, Where};
use crate::session;

/// Changes keys.
pub(crate) async fn run(at: Where, action: VaultAction) -> Result<ExitCode> {
    let VaultAction::Rotate(what) = action;
    session::with(at, async |installation| {
        installation.check_schema().await?;
        installation.check_master_key().await?;
        match what {
            RotateWhat::Installation => installation_key(installation).await?,
            RotateWhat::Organization { id } => organization(installation, &id).await?,
            RotateWhat::Person { id, organization } => person(installation, &id, organization).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn installation_key(installation: &Installation) -> Result<()> {
    let rotated = master::rotate(installation).await?;
    println!("{} keys are wrapped under the installation key {} now.", rotated.scopes, rotated.id);
    if rotated.given {
        println!("vault.other_master_keys may be emptied when no backup made before is needed any more.");
    } else {
        println!(
            "Copy {} to where you keep the secrets. The key before is beside it: keep it as long as backups made before today.",
            installation.settings.place.secrets().join("master-key").display()
        );
    }
    Ok(())
}

async fn organization(installation: &Installation, id: &str) -> Result<()> {
    let org = OrgId::from_str(id).with_context(|| format!("{id} is not the id of an organisation"))?;
    let Some(wrapped) = installation.rotate_organization(org).await? else {
        bail!("{id} has no key yet: nothing of it is sealed, or there is no such organisation");
    };
    println!("{id} has a new key; {wrapped} keys of people are wrapped under it.");
    Ok(())
}

async fn person(installation: &Installation, id: &str, org: Option<String>) -> Result<()> {
    let subject = match org {
        None => {
            Subject::of_installation(UserId::from_str(id).with_context(|| format!("{id} is not a user"))?)
        }
        Some(org) => {
            let org =
                OrgId::from_str(&org).with_context(|| format!("{org} is not the id of an organisation"))?;
            Subject::of_org(org, subject(id)?)
        }
    };
    if !installation.rotate_person(subject).await? {
        bail!(
            "{id} has no key, was erased, or is between two keys already; the last rotation ends within minutes while the \
             program runs"
        );
    }
    println!("{id} has a new key: it seals two minutes from now, then everything is sealed anew with it.");
    Ok(())
}

/// People of an organisation have ids of several kinds; the key goes by what is in all of them.
fn subject(id: &str) -> Result<SubjectId> {
    if let Ok(uuid) = Uuid::from_str(id) {
        return Ok(SubjectId::new(uuid));
    }
    let (_, rest) = id.rsplit_once('_').with_context(|| format!("{id} is not an id"))?;
    decode_suffix(rest).map(SubjectId::new).with_context(|| format!("{id} is not an id"))
}
