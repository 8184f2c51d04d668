//! How each app is told where to report: texts and links that work when they are copied or tapped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::protocols::Protocol;

/// What a person needs to set up an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The address to enter.
    pub url: String,
    /// A link that sets up the app when it is tapped on the device, where the app knows such links.
    pub link: Option<String>,
    /// What to do, one step each.
    pub steps: Vec<String>,
}

/// How this device is set up; `name` is what it calls itself in the app.
pub fn setup(protocol: Protocol, public_url: &str, device: &str, secret: &str) -> Setup {
    let base = format!("{public_url}/api/v1/ingest");
    match protocol {
        Protocol::OwnTracks => owntracks(&format!("{base}/owntracks"), device, secret),
        Protocol::Traccar => Setup {
            url: format!("{base}/traccar"),
            link: None,
            steps: vec![
                format!("Enter the server URL {base}/traccar"),
                format!("Enter the device identifier {secret}"),
                "Switch continuous tracking on.".to_owned(),
            ],
        },
        Protocol::GpsLogger => gpslogger(&base, secret),
        Protocol::Overland => overland(&base, device, secret),
    }
}

fn owntracks(url: &str, device: &str, secret: &str) -> Setup {
    let configuration = serde_json::json!({
        "_type": "configuration", "mode": 3, "url": url, "auth": true, "username": device, "password": secret,
        "deviceId": device, "tid": "dm", "monitoring": 2,
    });
    let inline = STANDARD.encode(configuration.to_string());
    Setup {
        url: url.to_owned(),
        link: Some(format!("owntracks:///config?inline={}", escape(&inline))),
        steps: vec![
            "Choose the mode HTTP.".to_owned(),
            format!("Enter the URL {url}"),
            format!("Enter the user name {device} and the password {secret}"),
        ],
    }
}

/// Placeholders as the app fills them in.
const PLACEHOLDERS: &str = "lat=%LAT&lon=%LON&time=%TIME&ts=%TIMESTAMP&acc=%ACC&alt=%ALT&spd=%SPD&dir=%DIR&sat=%SAT\
                            &batt=%BATT&prov=%PROV&act=%ACT&desc=%DESC";

fn gpslogger(base: &str, secret: &str) -> Setup {
    let url = format!("{base}/gpslogger/{secret}?{PLACEHOLDERS}");
    let steps = vec![
        "Choose Log to custom URL.".to_owned(),
        format!("Enter the URL {url}"),
        "Choose the HTTP method GET.".to_owned(),
    ];
    Setup { url, link: None, steps }
}

fn overland(base: &str, device: &str, secret: &str) -> Setup {
    let url = format!("{base}/overland/{secret}");
    let link = format!("overland://setup?url={}&device_id={}", escape(&url), escape(device));
    let steps = vec![
        format!("Enter the receiver endpoint URL {url}"),
        "Leave the access token empty.".to_owned(),
        "Switch tracking on.".to_owned(),
    ];
    Setup { url, link: Some(link), steps }
}

fn escape(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "https://dropmate.test";

    #[test]
    fn every_app_is_told_the_address_and_the_secret() {
        for protocol in Protocol::ALL {
            let setup = setup(protocol, HOST, "device_1", "dmt_secret");
            assert!(setup.url.starts_with("https://dropmate.test/api/v1/ingest/"), "{}", setup.url);
            let all = format!("{} {}", setup.url, setup.steps.join(" "));
            assert!(all.contains("dmt_secret"), "{protocol:?}");
        }
    }

    #[test]
    fn links_carry_what_the_apps_expect() {
        let owntracks = setup(Protocol::OwnTracks, HOST, "device_1", "dmt_secret").link.unwrap();
        let inline = owntracks.strip_prefix("owntracks:///config?inline=").unwrap();
        let inline = inline.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/");
        let configuration: serde_json::Value =
            serde_json::from_slice(&STANDARD.decode(inline).unwrap()).unwrap();
        assert_eq!((&configuration["mode"], &configuration["password"]), (&3.into(), &"dmt_secret".into()));
        let overland = setup(Protocol::Overland, HOST, "device_1", "dmt_secret").link.unwrap();
        assert_eq!(
            overland,
            "overland://setup?url=https%3A%2F%2Fdropmate.test%2Fapi%2Fv1%2Fingest%2Foverland%2Fdmt_secret&device_id=device_1"
        );
    }

    #[test]
    fn the_template_for_gpslogger_is_read_by_its_decoder() {
        use crate::domain::protocols::{Query, gpslogger};
        let url = setup(Protocol::GpsLogger, HOST, "d", "dmt_secret").url;
        let filled = url
            .replace("%LAT", "60.1")
            .replace("%LON", "24.9")
            .replace("%TIMESTAMP", "1795176000")
            .replace("%TIME", "2026-11-20T12:00:00Z")
            .replace("%ACC", "5")
            .replace("%SPD", "3");
        let report = gpslogger(&Query::read(filled.split_once('?').unwrap().1))[0].unwrap();
        assert_eq!((report.lat, report.accuracy_m, report.speed_m_s), (60.1, Some(5.0), Some(3.0)));
    }
}
