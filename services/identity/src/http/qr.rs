//! QR codes as images that need no script.

use fast_qr::convert::Builder as _;
use platform::{Error, Result};

/// The code of a text as SVG.
pub fn svg(text: &str) -> Result<String> {
    let code = fast_qr::QRBuilder::new(text).build().map_err(|error| Error::internal(error.to_string()))?;
    Ok(fast_qr::convert::svg::SvgBuilder::default().margin(2).to_str(&code))
}
