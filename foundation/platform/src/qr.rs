//! QR codes: as an image that needs no script, and for a terminal.

use fast_qr::convert::Builder as _;
use fast_qr::{QRBuilder, QRCode};

use crate::{Error, Result};

/// Light modules around a code in a terminal: what the standard (ISO/IEC 18004) asks for, because what is next to it may
/// be dark.
const QUIET: usize = 4;

/// Black on white, whatever the colours of the terminal: a code with light modules on dark ground is not read everywhere.
const ON: &str = "\x1b[38;5;16;48;5;231m";
const OFF: &str = "\x1b[0m";

/// The code of a text as SVG.
pub fn svg(text: &str) -> Result<String> {
    Ok(fast_qr::convert::svg::SvgBuilder::default().margin(2).to_str(&code(text)?))
}

/// The code of a text as lines for a terminal: two modules a character, one above the other.
pub fn terminal(text: &str) -> Result<String> {
    let code = code(text)?;
    let end = code.size + 2 * QUIET;
    let mut lines = String::new();
    for row in (0..end).step_by(2) {
        lines.push_str(ON);
        lines.extend(
            (0..end).map(|column| half_blocks(dark(&code, row, column), dark(&code, row + 1, column))),
        );
        lines.push_str(OFF);
        lines.push('\n');
    }
    Ok(lines)
}

fn code(text: &str) -> Result<QRCode> {
    QRBuilder::new(text).build().map_err(|error| Error::internal(error.to_string()))
}

/// Whether a module is dark; rows and columns are counted with the quiet zone.
fn dark(code: &QRCode, row: usize, column: usize) -> bool {
    let inside = |at: usize| (QUIET..QUIET + code.size).contains(&at);
    inside(row) && inside(column) && code[row - QUIET][column - QUIET].value()
}

const fn half_blocks(above: bool, below: bool) -> char {
    match (above, below) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_the_same_modules_as_the_code() {
        let text = "http://192.168.1.20:8081/";
        let code = code(text).unwrap();
        let shown = terminal(text).unwrap();
        let mut rows = Vec::new();
        for line in shown.lines() {
            let line = line.strip_prefix(ON).unwrap().strip_suffix(OFF).unwrap();
            rows.push(line.chars().map(|c| matches!(c, '█' | '▀')).collect::<Vec<_>>());
            rows.push(line.chars().map(|c| matches!(c, '█' | '▄')).collect());
        }
        for (row, modules) in rows.iter().enumerate() {
            assert_eq!(modules.len(), code.size + 8, "four light modules at each side");
            for (column, shown) in modules.iter().enumerate() {
                assert_eq!(*shown, dark(&code, row, column), "{row} {column}");
            }
        }
        assert!(rows[..4].iter().chain(&rows[rows.len() - 4..]).flatten().all(|dark| !dark));
        // The three finder patterns begin with a dark corner.
        assert!(rows[4][4] && rows[4][code.size + 3] && rows[code.size + 3][4]);
    }

    #[test]
    fn an_image_needs_nothing_from_elsewhere() {
        let image = svg("https://shop.local").unwrap();
        assert!(image.starts_with("<svg") && !image.contains("script") && !image.contains("href"), "{image}");
    }
}
