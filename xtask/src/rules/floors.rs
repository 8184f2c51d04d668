//! Floors: an arrow between crates of the house may only point down.
//!
//! | crate below | may depend on |
//! |---|---|
//! | `foundation/kernel` | nothing of the house, and no runtime, database or HTTP library |
//! | `foundation/contracts` | kernel; no database, no HTTP server |
//! | `foundation/platform` | kernel, contracts |
//! | `foundation/testkit` | kernel, contracts, platform |
//! | `engines/*` | kernel, engines; no I/O library |
//! | `services/*` | kernel, contracts, platform, engines; never a service |
//! | `adapters/*` | kernel, contracts, platform, engines |
//! | `app/*` | all of these except testkit |
//! | `tests`, `bench` | everything |
//! | `xtask` | nothing of the house |
//!
//! `testkit` is a dev-dependency everywhere except in `tests` and `bench`. Tests of a service may go through the
//! gateway, the door through which its callers come; it owns nothing and knows no service.

use super::Report;
use crate::workspace::{Crate, Dependency, Workspace};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Floor {
    Kernel,
    Contracts,
    Platform,
    Testkit,
    Engine,
    Service,
    Adapter,
    App,
    Proof,
    Tool,
}

/// The service through which tests of the others may go.
const DOOR: &str = "gateway";

const IO_LIBRARIES: &[&str] =
    &["tokio", "sqlx", "axum", "axum-extra", "hyper", "hyper-util", "reqwest", "tonic", "tower-http"];
const SERVER_LIBRARIES: &[&str] =
    &["sqlx", "jiff-sqlx", "axum", "axum-extra", "hyper", "hyper-util", "utoipa-axum", "reqwest"];

impl Floor {
    fn of(dir: &str) -> Option<Self> {
        let (top, rest) = dir.split_once('/').unwrap_or((dir, ""));
        match (top, rest) {
            ("foundation", "kernel") => Some(Self::Kernel),
            ("foundation", "contracts") => Some(Self::Contracts),
            ("foundation", "platform") => Some(Self::Platform),
            ("foundation", "testkit") => Some(Self::Testkit),
            ("engines", _) => Some(Self::Engine),
            ("services", _) => Some(Self::Service),
            ("adapters", _) => Some(Self::Adapter),
            ("app", _) => Some(Self::App),
            ("tests" | "bench", _) => Some(Self::Proof),
            ("xtask", _) => Some(Self::Tool),
            _ => None,
        }
    }

    fn may_use(self, other: Self) -> bool {
        use Floor::{Adapter, App, Contracts, Engine, Kernel, Platform, Proof, Service, Testkit, Tool};
        match self {
            Kernel | Tool => false,
            Contracts => other == Kernel,
            Platform => matches!(other, Kernel | Contracts),
            Testkit => matches!(other, Kernel | Contracts | Platform),
            Engine => matches!(other, Kernel | Engine),
            Service | Adapter => matches!(other, Kernel | Contracts | Platform | Engine),
            App => !matches!(other, Testkit | Proof | Tool),
            Proof => !matches!(other, Tool),
        }
    }

    fn banned_libraries(self) -> &'static [&'static str] {
        match self {
            Self::Kernel | Self::Engine => IO_LIBRARIES,
            Self::Contracts => SERVER_LIBRARIES,
            _ => &[],
        }
    }
}

pub(super) fn run(workspace: &Workspace) -> Report {
    let mut report = Report::default();
    for package in &workspace.crates {
        match Floor::of(&package.dir) {
            Some(floor) => check_crate(workspace, package, floor, &mut report),
            None => report.at(&package.dir, "stands on no floor of the house (see ARCHITECTURE.md)"),
        }
    }
    report
}

fn check_crate(workspace: &Workspace, package: &Crate, floor: Floor, report: &mut Report) {
    for dependency in &package.dependencies {
        if !dependency.dev_only && floor.banned_libraries().contains(&dependency.name.as_str()) {
            report.at(&package.dir, format!("must not depend on {}", dependency.name));
        }
        let target = workspace.crates.iter().find(|c| c.name == dependency.name);
        let Some(target_floor) = target.and_then(|c| Floor::of(&c.dir)) else {
            continue;
        };
        if !allowed(floor, dependency, target_floor) {
            report.at(&package.dir, refusal(floor, target_floor, &dependency.name));
        }
    }
}

fn allowed(floor: Floor, dependency: &Dependency, target: Floor) -> bool {
    let testkit_for_tests =
        target == Floor::Testkit && dependency.dev_only && !matches!(floor, Floor::Kernel | Floor::Tool);
    let door_for_tests = floor == Floor::Service && dependency.dev_only && dependency.name == DOOR;
    testkit_for_tests || door_for_tests || floor.may_use(target)
}

fn refusal(floor: Floor, target: Floor, name: &str) -> String {
    match (floor, target) {
        (Floor::Service, Floor::Service) => {
            format!(
                "a service must not depend on the service {name}: use its client in contracts, or its events"
            )
        }
        (_, Floor::Testkit) => "testkit may only be a dev-dependency".to_owned(),
        _ => format!("{floor:?} must not depend on {target:?} ({name}): arrows point down"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> Workspace {
        Workspace::default()
            .with_crate("foundation/kernel", &["serde"])
            .with_crate("foundation/contracts", &["kernel"])
            .with_crate("foundation/platform", &["kernel", "contracts", "sqlx", "dev:testkit"])
            .with_crate("foundation/testkit", &["platform"])
            .with_crate("services/orders", &["platform", "dev:testkit"])
            .with_crate("app/runtime", &["orders", "platform"])
            .with_crate("tests", &["testkit"])
    }

    fn first(workspace: &Workspace) -> String {
        run(workspace).violations.first().map(|v| v.message.clone()).unwrap_or_default()
    }

    #[test]
    fn a_house_in_order_passes() {
        assert!(run(&house()).violations.is_empty());
    }

    #[test]
    fn a_service_on_a_service_is_refused() {
        let bad = house().with_crate("services/dispatch", &["orders"]);
        assert!(first(&bad).contains("a service must not depend on the service orders"));
    }

    #[test]
    fn even_a_test_of_a_service_uses_no_other_service() {
        let bad = house().with_crate("services/dispatch", &["dev:orders"]);
        assert_eq!(run(&bad).violations.len(), 1);
    }

    #[test]
    fn tests_of_a_service_may_go_through_the_door() {
        let house = || house().with_crate("services/gateway", &["platform"]);
        assert!(run(&house().with_crate("services/dispatch", &["dev:gateway"])).violations.is_empty());
        assert_eq!(run(&house().with_crate("services/dispatch", &["gateway"])).violations.len(), 1);
    }

    #[test]
    fn an_arrow_up_is_refused() {
        let bad = house().with_crate("adapters/nats", &["runtime"]);
        assert!(first(&bad).contains("Adapter must not depend on App"));
    }

    #[test]
    fn testkit_in_production_is_refused() {
        let bad = house().with_crate("services/dispatch", &["testkit"]);
        assert!(first(&bad).contains("dev-dependency"));
    }

    #[test]
    fn kernel_stays_free_of_runtimes() {
        let bad = Workspace::default().with_crate("foundation/kernel", &["tokio"]);
        assert!(first(&bad).contains("must not depend on tokio"));
    }

    #[test]
    fn a_crate_outside_the_plan_is_refused() {
        let bad = house().with_crate("misc/helpers", &[]);
        assert!(first(&bad).contains("no floor"));
    }
}
