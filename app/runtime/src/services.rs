//! The services of this build.

use platform::permissions::Permission;
use platform::service::Manifest;

use crate::usage::usage;

/// Their names, as `--services` takes them.
pub const SERVICES: [&str; 2] = [identity::NAME, gateway::NAME];

/// What those that own something durable declare.
pub fn manifests() -> Vec<Manifest> {
    vec![identity::manifest()]
}

/// The whole permission table.
pub fn permissions() -> Vec<Permission> {
    [identity::PERMISSIONS, gateway::PERMISSIONS].concat()
}

/// Accepts `all` or every name; part of them cannot be run yet.
pub fn check_selection(selected: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = selected.iter().find(|name| *name != "all" && !SERVICES.contains(&name.as_str())) {
        return Err(usage(format!(
            "there is no service {unknown:?}; there are: all, {}",
            SERVICES.join(", ")
        )));
    }
    let everything = selected.iter().any(|name| name == "all")
        || SERVICES.iter().all(|service| selected.iter().any(|name| name == service));
    if everything {
        return Ok(());
    }
    Err(usage(format!(
        "--services {} is only a part of {}. Running parts in processes of their own needs calls between services over \
         HTTP, which come with the next milestone. Use --services all.",
        selected.join(","),
        SERVICES.join(",")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str]) -> Result<(), String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        check_selection(&names).map_err(|error| error.to_string())
    }

    #[test]
    fn only_everything_can_be_served() {
        assert_eq!(check(&["all"]), Ok(()));
        assert_eq!(check(&["gateway", "identity"]), Ok(()));
        assert!(check(&["gateway"]).unwrap_err().contains("next milestone"));
        assert!(check(&["orders"]).unwrap_err().contains("there are: all, identity, gateway"));
    }
}
