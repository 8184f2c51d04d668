//! What the machine gives: settings, folders, disk, port.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use platform::postgres;
use tokio::net::{TcpListener, TcpStream};

use super::Finding;
use crate::settings::Settings;

const GIB: u64 = 1024 * 1024 * 1024;
/// Below this a backup or a busy day may fill the disk.
const LITTLE: u64 = 2 * GIB;
/// Below this PostgreSQL may stop within the hour.
const NOTHING: u64 = GIB / 4;

/// Settings for parts that are not built yet.
pub(super) fn supported(settings: &Settings) -> Finding {
    match settings.check_supported() {
        Ok(()) => Finding::fine("settings", "can be used"),
        Err(error) => Finding::broken("settings", error.to_string(), "remove that setting"),
    }
}

/// The data folder.
pub(super) fn folder(settings: &Settings) -> Finding {
    const WHAT: &str = "data folder";
    let folder = &settings.place.folder;
    let shown = folder.display();
    if settings.config().database.url.is_none()
        && let Err(error) = postgres::check_place(folder)
    {
        return Finding::broken(WHAT, format!("{shown}: {error}"), "choose another with --data-dir");
    }
    let Ok(meta) = std::fs::metadata(folder) else {
        return Finding::fine(WHAT, format!("{shown} is not there yet; the first start creates it"));
    };
    let (mode, root) = (meta.mode() & 0o777, Uid::effective().is_root());
    if !root && meta.uid() != Uid::effective().as_raw() {
        return Finding::broken(
            WHAT,
            format!("{shown} belongs to user {}", meta.uid()),
            format!("start DropMate as that user, or: chown -R {} '{shown}'", Uid::effective()),
        );
    }
    if mode & 0o066 != 0 {
        let wanted = if root { "711" } else { "700" };
        return Finding::warning(
            WHAT,
            format!("others may look into {shown} (mode {mode:o})"),
            format!("chmod {wanted} '{shown}'"),
        );
    }
    Finding::fine(WHAT, format!("{shown} (mode {mode:o})"))
}

/// The secrets.
pub(super) fn secrets(settings: &Settings) -> Finding {
    const WHAT: &str = "secrets";
    let folder = settings.place.secrets();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Finding::fine(WHAT, "not there yet; the first start draws them");
    };
    let open = |path: &Path| std::fs::metadata(path).is_ok_and(|meta| meta.mode() & 0o077 != 0);
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.push(folder.clone());
    match paths.iter().find(|path| open(path)) {
        Some(path) => Finding::broken(
            WHAT,
            format!("{} may be read by others", path.display()),
            format!("chmod go= '{}'; whoever read it knows it: consider it lost", path.display()),
        ),
        None => Finding::fine(
            WHAT,
            format!("{}: keep a copy of it in another place than the backups", folder.display()),
        ),
    }
}

/// Free space.
pub(super) fn disk(settings: &Settings) -> Finding {
    const WHAT: &str = "disk space";
    let folder = settings.place.folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let stat = match statvfs(folder) {
        Ok(stat) => stat,
        Err(error) => {
            return Finding::warning(WHAT, format!("cannot be seen: {error}"), "look at it with df");
        }
    };
    let free = stat.blocks_available() * stat.fragment_size();
    let seen = format!("{} MiB free for {}", free / (1024 * 1024), folder.display());
    let fix = "make room, or move the data folder to a larger disk";
    match free {
        0..NOTHING => Finding::broken(WHAT, seen, fix),
        NOTHING..LITTLE => Finding::warning(WHAT, seen, fix),
        _ => Finding::fine(WHAT, seen),
    }
}

/// The address to listen on.
pub(super) async fn port(settings: &Settings) -> Finding {
    const WHAT: &str = "address";
    let wanted = &settings.config().http.listen;
    if let Ok(listener) = TcpListener::bind(wanted.as_str()).await {
        drop(listener);
        return Finding::fine(WHAT, format!("{wanted} is free"));
    }
    let ours = settings.local_url(None);
    let noted = ours.split_once("://").map_or(ours.as_str(), |(_, address)| address).to_owned();
    let same_port = noted.rsplit(':').next() == wanted.rsplit(':').next();
    if same_port && is_running(settings) && TcpStream::connect(&noted).await.is_ok() {
        return Finding::fine(WHAT, format!("{wanted} is used by this installation, which is running"));
    }
    Finding::broken(
        WHAT,
        format!("{wanted} cannot be taken: another program has it, or it is not an address of this machine"),
        "stop the other program (ss -ltnp shows it), or choose another with --listen",
    )
}

/// Whether somebody holds the data folder.
fn is_running(settings: &Settings) -> bool {
    let lock = std::fs::File::open(settings.place.folder.join("postgres/lock"));
    lock.is_ok_and(|file| file.try_lock().is_err()) || settings.config().database.url.is_some()
}
