//! `GET /map.js`, `GET /map-live.js`, `GET /assets/maplibre/{version}/{file}`: what draws the map in the pages.
//!
//! The library is MapLibre GL JS, as `web/map` has taken it from its package; every installation serves its own copy, so that
//! nobody else learns who looks at which map. Its address names the version: whoever has a file never asks again.

use std::io::Read as _;

use axum::response::{IntoResponse as _, Response};
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, StatusCode};
use platform::http::Path;
use platform::{Error, Result};

/// The version of the library.
const VERSION: &str = include_str!("../../assets/maplibre/VERSION");
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// What the worker may do, which the page's policy does not rule: it asks for tiles, and for nothing from elsewhere.
const WORKER: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";
const CSS: &str = "text/css; charset=utf-8";

/// Its licence asks to be handed on with it.
const LICENCE: &str = include_str!("../../assets/maplibre/LICENSE.txt");

/// A file of the library, packed.
struct File {
    name: &'static str,
    form: &'static str,
    gzip: &'static [u8],
}

const FILES: [File; 3] = [
    File {
        name: "maplibre-gl.mjs",
        form: JAVASCRIPT,
        gzip: include_bytes!("../../assets/maplibre/maplibre-gl.mjs.gz"),
    },
    File {
        name: "maplibre-gl-worker.mjs",
        form: JAVASCRIPT,
        gzip: include_bytes!("../../assets/maplibre/maplibre-gl-worker.mjs.gz"),
    },
    File {
        name: "maplibre-gl.css",
        form: CSS,
        gzip: include_bytes!("../../assets/maplibre/maplibre-gl.css.gz"),
    },
];

/// Where a page finds the library.
pub(super) fn address() -> String {
    format!("/assets/maplibre/{VERSION}/")
}

/// A file of the library that draws maps, MapLibre GL JS, or its licence (`LICENSE.txt`).
#[utoipa::path(
    get, path = "/assets/maplibre/{version}/{file}", operation_id = "get_map_library", tag = "pages",
    params(("version" = String, Path, description = "The version that a page names.", example = "6.17.0"),
           ("file" = String, Path, description = "The file.", example = "maplibre-gl.mjs"),
           ("if-none-match" = Option<String>, Header, description = "The ETag you have.", example = "\"0\"")),
    responses((status = 200, description = "The file.", body = String, content_type = "text/javascript"),
              (status = 304, description = "You have it already."))
)]
pub(crate) async fn library(
    Path((version, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    if version == VERSION && file == "LICENSE.txt" {
        return Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], LICENCE).into_response());
    }
    let known = FILES.iter().find(|known| version == VERSION && known.name == file);
    let known = known.ok_or_else(|| Error::not_found("file of the map library"))?;
    let etag = format!("\"{VERSION}\"");
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kept = [
        (CONTENT_SECURITY_POLICY, WORKER),
        (ETAG, etag.as_str()),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
    ];
    if text(IF_NONE_MATCH).split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let form = [(CONTENT_TYPE, known.form)];
    if text(ACCEPT_ENCODING).contains("gzip") {
        return Ok((kept, form, [(CONTENT_ENCODING, "gzip")], known.gzip).into_response());
    }
    Ok((kept, form, plain(known)?).into_response())
}

/// For the rare client that takes no compression.
fn plain(file: &File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(file.gzip).read_to_end(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

fn script(text: &'static str) -> Response {
    ([(CONTENT_TYPE, JAVASCRIPT), (CACHE_CONTROL, "max-age=3600")], text).into_response()
}

/// The script of the map on a customer's page.
#[utoipa::path(
    get, path = "/map.js", operation_id = "get_map_script", tag = "pages",
    responses((status = 200, description = "The script.", body = String, content_type = "text/javascript"))
)]
pub(crate) fn map_script() -> std::future::Ready<Response> {
    std::future::ready(script(include_str!("../../templates/pages/map.js")))
}

/// The script of the map on the page of the day.
#[utoipa::path(
    get, path = "/map-live.js", operation_id = "get_live_map_script", tag = "pages",
    responses((status = 200, description = "The script.", body = String, content_type = "text/javascript"))
)]
pub(crate) fn live_map_script() -> std::future::Ready<Response> {
    std::future::ready(script(include_str!("../../templates/pages/map-live.js")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use http::HeaderValue;

    async fn get(version: &str, file: &str, headers: &[(http::HeaderName, &str)]) -> Result<Response> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        library(Path((version.to_owned(), file.to_owned())), headers).await
    }

    #[tokio::test]
    async fn a_file_comes_packed_or_plain_and_only_once() {
        let packed = get(VERSION, "maplibre-gl.mjs", &[(ACCEPT_ENCODING, "gzip, br")]).await.unwrap();
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(packed.headers()[CONTENT_TYPE], JAVASCRIPT);
        assert!(packed.headers()[CACHE_CONTROL].to_str().unwrap().ends_with("immutable"));
        assert!(packed.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("connect-src 'self'"));
        let etag = packed.headers()[ETAG].to_str().unwrap().to_owned();
        let packed = to_bytes(packed.into_body(), usize::MAX).await.unwrap();
        let plain = get(VERSION, "maplibre-gl.mjs", &[]).await.unwrap();
        assert!(plain.headers().get(CONTENT_ENCODING).is_none());
        let plain = to_bytes(plain.into_body(), usize::MAX).await.unwrap();
        assert!(plain.starts_with(b"/**\n* MapLibre GL JS") && plain.len() > 3 * packed.len());
        let again = get(VERSION, "maplibre-gl.mjs", &[(IF_NONE_MATCH, &etag)]).await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let licence = get(VERSION, "LICENSE.txt", &[]).await.unwrap();
        let licence = to_bytes(licence.into_body(), usize::MAX).await.unwrap();
        assert!(String::from_utf8_lossy(&licence).contains("MapLibre"));
    }

    #[tokio::test]
    async fn another_version_or_file_is_not_there() {
        for (version, file) in [("0.0.1", "maplibre-gl.mjs"), (VERSION, "VERSION"), (VERSION, "../VERSION")] {
            assert_eq!(get(version, file, &[]).await.unwrap_err().kind().status(), 404, "{version} {file}");
        }
    }

    /// The customer's page loads these before the library; they are written to be small.
    #[test]
    fn the_own_scripts_of_a_customer_s_page_are_small() {
        let own =
            [include_str!("../../templates/pages/app.js"), include_str!("../../templates/pages/map.js")];
        assert!(own.iter().map(|text| text.len()).sum::<usize>() < 30_000);
    }
}
