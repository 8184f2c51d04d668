//! Which profiles a server has roads for, and what they are called in its paths.

use std::str::FromStr;

use kernel::travel::Profile;

/// The profiles of a server, by the name in its paths.
///
/// Read from entries like `car`, `bicycle=cycling`. Without a name of its own a profile is called as OSRM's own are: `car`,
/// `bike`, `foot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roads(Vec<(Profile, String)>);

/// An entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a profile (car, motorcycle, bicycle, cargo_bike, foot), with or without =NAME")]
pub struct RoadsError(pub String);

impl Roads {
    /// From the entries of the configuration.
    pub fn read<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, RoadsError> {
        entries.into_iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// What the first of them is called.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(|(_, name)| name.as_str())
    }

    /// What the roads for a profile are called: its own, or those of somebody who is as fast.
    pub(crate) fn name(&self, profile: Profile) -> Option<&str> {
        let find = |wanted| self.0.iter().find(|(profile, _)| *profile == wanted);
        let alike = match profile {
            Profile::Motorcycle => Some(Profile::Car),
            Profile::CargoBike => Some(Profile::Bicycle),
            Profile::Car | Profile::Bicycle | Profile::Foot => None,
        };
        find(profile).or_else(|| find(alike?)).map(|(_, name)| name.as_str())
    }
}

fn entry(text: &str) -> Result<(Profile, String), RoadsError> {
    let wrong = || RoadsError(text.to_owned());
    let (word, name) = text.split_once('=').map_or((text, None), |(word, name)| (word, Some(name)));
    let profile = Profile::ALL.into_iter().find(|profile| profile.as_str() == word).ok_or_else(wrong)?;
    let name = name.unwrap_or(match profile {
        Profile::Car | Profile::Motorcycle => "car",
        Profile::Bicycle | Profile::CargoBike => "bike",
        Profile::Foot => "foot",
    });
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(wrong());
    }
    Ok((profile, name.to_owned()))
}

impl FromStr for Roads {
    type Err = RoadsError;

    fn from_str(text: &str) -> Result<Self, RoadsError> {
        Self::read(text.split(',').map(str::trim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_the_roads_that_are_named_and_no_others() {
        let car: Roads = "car".parse().unwrap();
        assert_eq!(car.name(Profile::Car), Some("car"));
        assert_eq!(car.name(Profile::Motorcycle), Some("car"), "as fast as a car");
        assert_eq!(
            car.name(Profile::Bicycle),
            None,
            "a server with cars must not tell how long a bicycle takes"
        );
        let more: Roads = "car=driving, bicycle, foot=routed-foot".parse().unwrap();
        assert_eq!(more.name(Profile::Car), Some("driving"));
        assert_eq!(more.name(Profile::CargoBike), Some("bike"));
        assert_eq!(more.name(Profile::Foot), Some("routed-foot"));
    }

    #[test]
    fn what_is_no_profile_and_what_would_leave_the_path_is_refused() {
        for bad in ["", "lorry", "car=", "car=a/b", "car=a?b", "bicycle=%2e"] {
            assert_eq!(bad.parse::<Roads>(), Err(RoadsError(bad.to_owned())), "{bad}");
        }
    }
}
