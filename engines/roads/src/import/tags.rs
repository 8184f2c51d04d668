//! What the tags of a way say to one vehicle: may it pass, which way, how fast.

use osm::Tags;

use super::limits;
use crate::profile::{FERRY, Profile};
use crate::time::{Schedule, conditional};

/// May a vehicle use a way?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    /// Not as a through road: private ground, or for those who have business there, which a delivery has.
    LastMetres,
    Closed,
}

/// One direction of a way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    Kmh(f64),
    /// Seconds for the whole way: a ferry with a timetable.
    WholeWay(f64),
}

/// What a condition changes while it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Closed,
    /// Travel speed in km/h.
    Kmh(f64),
}

/// What a way is to the vehicle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    pub(super) class: u8,
    pub(super) last_metres: bool,
    pub(super) roundabout: bool,
    pub(super) ferry: bool,
    pub(super) forward: Option<Pace>,
    pub(super) backward: Option<Pace>,
    pub(super) changes: Vec<(Change, Schedule)>,
}

/// `None` for what the vehicle does not use.
pub(super) fn read(profile: &Profile, tags: &Tags<'_>) -> Option<Rules> {
    if tags.is_empty() || closed_by(profile, tags) {
        return None;
    }
    if tags.is("route", FERRY) && tags.get("highway").is_none() {
        return read_ferry(profile, tags);
    }
    let highway = tags.get("highway")?;
    let index = profile.classes.keys().position(|name| name == highway)?;
    let class = profile.classes[highway];
    let access = access(profile, tags, class.closed);
    let [forward_open, backward_open] = directions(profile, tags, class.oneway);
    if access == Access::Closed || !(forward_open || backward_open) {
        return None;
    }
    let cap = cap(profile, tags)?;
    let travel = |legal: Option<f64>| {
        let wished = legal.map_or(class.kmh, |kmh| kmh * profile.limit_factor);
        let wished = if profile.follows_limits { wished } else { wished.min(class.kmh) };
        wished.min(cap).min(profile.max_speed_kmh).max(1.0)
    };
    let pace = |direction: &str| Pace::Kmh(travel(legal(profile, tags, direction)));
    Some(Rules {
        class: u8::try_from(index).ok()?,
        last_metres: access == Access::LastMetres,
        roundabout: is_roundabout(tags),
        ferry: false,
        forward: forward_open.then(|| pace("forward")),
        backward: backward_open.then(|| pace("backward")),
        changes: changes(profile, tags, travel),
    })
}

fn read_ferry(profile: &Profile, tags: &Tags<'_>) -> Option<Rules> {
    let access = access(profile, tags, false);
    // A ferry for pedestrians carries no cars unless it says so.
    let foot_only = tags.is("motor_vehicle", "no") || tags.is("foot", "only");
    if access == Access::Closed || (foot_only && profile.obey_oneway && profile.obey_limits) {
        return None;
    }
    let pace = tags.get("duration").and_then(duration_s).map_or(Pace::Kmh(profile.ferry_kmh), Pace::WholeWay);
    let [forward, backward] = directions(profile, tags, false);
    Some(Rules {
        class: u8::try_from(profile.classes.len()).ok()?,
        last_metres: access == Access::LastMetres,
        roundabout: false,
        ferry: true,
        forward: forward.then_some(pace),
        backward: backward.then_some(pace),
        changes: Vec::new(),
    })
}

fn closed_by(profile: &Profile, tags: &Tags<'_>) -> bool {
    profile.closed_by.iter().filter_map(|rule| rule.split_once('=')).any(|(key, value)| tags.is(key, value))
}

/// The value of one access tag.
pub(super) fn access_value(value: &str) -> Option<Access> {
    match value {
        "yes" | "designated" | "permissive" | "official" | "hov" | "public" | "dismount" | "unknown"
        | "toll" => Some(Access::Open),
        "private" | "destination" | "delivery" | "customers" | "residents" | "permit" => {
            Some(Access::LastMetres)
        }
        "no"
        | "agricultural"
        | "forestry"
        | "emergency"
        | "psv"
        | "bus"
        | "military"
        | "agricultural;forestry"
        | "use_sidepath" => Some(Access::Closed),
        _ => None,
    }
}

/// The most particular tag that is there decides. What is closed by its class is opened by a tag for vehicles only:
/// `access=yes` on a footway does not invite bicycles.
fn access(profile: &Profile, tags: &Tags<'_>, closed: bool) -> Access {
    let mut found = if closed { Access::Closed } else { Access::Open };
    for (index, key) in profile.access.iter().enumerate() {
        let value = tags.get(key).and_then(access_value);
        if let Some(value) = value
            && !(closed && index == 0)
        {
            found = value;
        }
    }
    found
}

/// The access of a barrier: `None` when its tags do not say.
pub(super) fn barrier_access(profile: &Profile, tags: &Tags<'_>) -> Option<Access> {
    profile.access.iter().rev().find_map(|key| tags.get(key).and_then(access_value))
}

fn is_roundabout(tags: &Tags<'_>) -> bool {
    tags.is("junction", "roundabout") || tags.is("junction", "circular")
}

/// Open forwards, open backwards.
fn directions(profile: &Profile, tags: &Tags<'_>, oneway_class: bool) -> [bool; 2] {
    if !profile.obey_oneway {
        return [true, true];
    }
    let implied = if oneway_class || is_roundabout(tags) { "yes" } else { "no" };
    let value = profile.oneway.iter().rev().find_map(|key| tags.get(key)).unwrap_or(implied);
    let [forward, backward] = match value {
        "yes" | "true" | "1" => [true, false],
        "-1" | "reverse" => [false, true],
        // Which way is open now is not in the map.
        "reversible" => [false, false],
        _ => [true, true],
    };
    let against = profile.contraflow && has_contraflow(tags);
    [forward || (backward && against), backward || (forward && against)]
}

fn has_contraflow(tags: &Tags<'_>) -> bool {
    let sides = ["cycleway", "cycleway:left", "cycleway:right", "cycleway:both"];
    sides.iter().any(|key| tags.get(key).is_some_and(|value| value.starts_with("opposite")))
        || ["cycleway:left:oneway", "cycleway:right:oneway"]
            .iter()
            .any(|key| tags.get(key).is_some_and(|value| value == "-1" || value == "no"))
}

fn legal(profile: &Profile, tags: &Tags<'_>, direction: &str) -> Option<f64> {
    if !profile.obey_limits {
        return None;
    }
    let keys = [format!("maxspeed:{direction}"), "maxspeed".to_owned()];
    let implied = ["maxspeed:type", "source:maxspeed", "zone:maxspeed"];
    let written = keys.iter().find_map(|key| tags.get(key).and_then(limits::parse));
    written.or_else(|| implied.iter().find_map(|key| tags.get(key).and_then(limits::parse)))
}

/// The lowest cap of surface, track type and so on; `None` where nothing passes.
fn cap(profile: &Profile, tags: &Tags<'_>) -> Option<f64> {
    let caps = profile.caps.iter().filter_map(|(key, values)| values.get(tags.get(key)?));
    let lowest = caps.fold(f64::INFINITY, |lowest, kmh| lowest.min(*kmh));
    (lowest > 0.0).then_some(lowest)
}

fn changes(
    profile: &Profile,
    tags: &Tags<'_>,
    travel: impl Fn(Option<f64>) -> f64,
) -> Vec<(Change, Schedule)> {
    let mut found = Vec::new();
    for key in &profile.access {
        let Some(text) = tags.get(&format!("{key}:conditional")) else { continue };
        let closed =
            conditional(text).into_iter().filter(|(value, _)| access_value(value) == Some(Access::Closed));
        found.extend(closed.map(|(_, schedule)| (Change::Closed, schedule)));
    }
    if let Some(text) = tags.get("maxspeed:conditional").filter(|_| profile.obey_limits) {
        for (value, schedule) in conditional(text) {
            if let Some(kmh) = limits::parse(value) {
                found.push((Change::Kmh(travel(Some(kmh))), schedule));
            }
        }
    }
    found
}

/// `01:30`, `20` (minutes), `01:30:00` or `PT1H30M`.
fn duration_s(text: &str) -> Option<f64> {
    let seconds = if let Some(iso) = text.strip_prefix("PT") {
        let (hours, rest) = iso.split_once('H').map_or((Some(0.0), iso), |(h, rest)| (h.parse().ok(), rest));
        let minutes = rest.split_once('M').map_or(Some(0.0), |(minutes, _)| minutes.parse().ok());
        hours? * 3_600.0 + minutes? * 60.0
    } else {
        let parts: Vec<f64> = text.split(':').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
        match parts[..] {
            [minutes] => minutes * 60.0,
            [hours, minutes] => hours * 3_600.0 + minutes * 60.0,
            [hours, minutes, seconds] => hours * 3_600.0 + minutes * 60.0 + seconds,
            _ => return None,
        }
    };
    (1.0..=172_800.0).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use osm::Data;

    fn rules(profile: &str, tags: &[(&str, &str)]) -> Option<Rules> {
        let data = Data::builder().way(1, &[1, 2], tags).build();
        read(&Profile::embedded(profile).unwrap(), &data.way(1).unwrap().tags)
    }

    fn ways(profile: &str, tags: &[(&str, &str)]) -> (bool, bool) {
        rules(profile, tags)
            .map_or((false, false), |rules| (rules.forward.is_some(), rules.backward.is_some()))
    }

    fn kmh(profile: &str, tags: &[(&str, &str)]) -> f64 {
        match rules(profile, tags).unwrap().forward.unwrap() {
            Pace::Kmh(kmh) => kmh,
            Pace::WholeWay(_) => panic!("not a road"),
        }
    }

    #[test]
    fn one_way_streets_are_one_way_for_those_who_obey_them() {
        let street = ("highway", "residential");
        assert_eq!(ways("car", &[street]), (true, true));
        assert_eq!(ways("car", &[street, ("oneway", "yes")]), (true, false));
        assert_eq!(ways("car", &[street, ("oneway", "-1")]), (false, true));
        assert_eq!(ways("car", &[street, ("oneway", "reversible")]), (false, false));
        assert_eq!(ways("car", &[street, ("junction", "roundabout")]), (true, false));
        assert_eq!(ways("car", &[("highway", "motorway")]), (true, false));
        assert_eq!(ways("car", &[("highway", "motorway"), ("oneway", "no")]), (true, true));
        assert_eq!(ways("bicycle", &[street, ("oneway", "yes")]), (true, false));
        assert_eq!(ways("bicycle", &[street, ("oneway", "yes"), ("oneway:bicycle", "no")]), (true, true));
        assert_eq!(
            ways("bicycle", &[street, ("oneway", "yes"), ("cycleway", "opposite_lane")]),
            (true, true)
        );
        assert_eq!(ways("car", &[street, ("oneway", "yes"), ("cycleway", "opposite_lane")]), (true, false));
        assert_eq!(ways("foot", &[street, ("oneway", "yes")]), (true, true));
    }

    #[test]
    fn the_most_particular_access_tag_decides() {
        let street = ("highway", "service");
        let access =
            |profile: &str, tags: &[(&str, &str)]| rules(profile, tags).map(|rules| rules.last_metres);
        assert_eq!(access("car", &[street, ("access", "no")]), None);
        assert_eq!(access("car", &[street, ("access", "no"), ("motor_vehicle", "yes")]), Some(false));
        assert_eq!(access("car", &[street, ("access", "yes"), ("motorcar", "no")]), None);
        assert_eq!(access("car", &[street, ("access", "private")]), Some(true));
        assert_eq!(access("car", &[street, ("motor_vehicle", "destination")]), Some(true));
        assert_eq!(access("bicycle", &[street, ("motor_vehicle", "no")]), Some(false));
        assert_eq!(access("bicycle", &[("highway", "footway"), ("access", "yes")]), None);
        assert_eq!(access("bicycle", &[("highway", "footway"), ("bicycle", "yes")]), Some(false));
        assert_eq!(access("car", &[("highway", "footway"), ("access", "yes")]), None);
        assert_eq!(access("car", &[("highway", "track"), ("motor_vehicle", "agricultural")]), None);
        assert_eq!(access("car", &[("highway", "track"), ("motorcar", "yes")]), Some(false));
        assert_eq!(access("car", &[("highway", "pedestrian"), ("motor_vehicle", "delivery")]), Some(true));
        assert_eq!(
            access("bicycle", &[("highway", "trunk"), ("motorroad", "yes"), ("bicycle", "yes")]),
            None
        );
    }

    #[test]
    fn speeds_come_from_limits_classes_and_the_ground() {
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 0.01, "{found} {wanted}");
        near(kmh("car", &[("highway", "residential")]), 25.0);
        near(kmh("car", &[("highway", "residential"), ("maxspeed", "50")]), 40.0);
        near(kmh("car", &[("highway", "primary"), ("maxspeed", "30 mph")]), 38.62);
        near(kmh("car", &[("highway", "motorway"), ("maxspeed", "none")]), 140.0);
        near(kmh("car", &[("highway", "primary"), ("maxspeed", "100"), ("maxspeed:forward", "50")]), 40.0);
        near(kmh("car", &[("highway", "primary"), ("surface", "cobblestone")]), 30.0);
        near(kmh("bicycle", &[("highway", "residential"), ("maxspeed", "50")]), 15.0);
        near(kmh("bicycle", &[("highway", "living_street"), ("maxspeed", "7")]), 7.0);
        near(kmh("foot", &[("highway", "residential"), ("maxspeed", "3")]), 5.0);
        assert_eq!(rules("car", &[("highway", "service"), ("smoothness", "impassable")]), None);
    }

    #[test]
    fn a_ferry_takes_what_its_timetable_says() {
        let ferry = rules("car", &[("route", "ferry"), ("duration", "01:30")]).unwrap();
        assert_eq!((ferry.ferry, ferry.forward), (true, Some(Pace::WholeWay(5_400.0))));
        assert_eq!(duration_s("PT20M"), Some(1_200.0));
        assert_eq!(duration_s("PT1H30M"), Some(5_400.0));
        assert_eq!(duration_s("20"), Some(1_200.0));
        assert_eq!(duration_s("-3"), None);
        assert_eq!(duration_s("PTXH"), None);
        assert!(rules("car", &[("route", "ferry"), ("motor_vehicle", "no")]).is_none());
        assert!(rules("foot", &[("route", "ferry"), ("motor_vehicle", "no")]).is_some());
    }

    #[test]
    fn what_holds_at_times_is_kept_with_its_times() {
        let street = ("highway", "residential");
        let found =
            rules("car", &[street, ("motor_vehicle:conditional", "no @ (Mo-Fr 07:00-09:00)")]).unwrap();
        assert_eq!(found.changes.len(), 1);
        assert_eq!(found.changes[0].0, Change::Closed);
        let found =
            rules("car", &[street, ("maxspeed:conditional", "30 @ (22:00-06:00); 20 @ (snow)")]).unwrap();
        assert_eq!(found.changes.len(), 1);
        assert_eq!(found.changes[0].0, Change::Kmh(24.0));
    }
}
