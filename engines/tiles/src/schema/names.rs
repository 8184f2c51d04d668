//! Names in all languages that the schema knows.

use osm::Tags;

use crate::feature::Feature;

/// The languages of the schema's attributes `name:xx`.
const LANGUAGES: &[&str] = &[
    "ar", "be", "bg", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "ga",
    "gl", "he", "hi", "hr", "hu", "id", "it", "ja", "ka", "kk", "ko", "lt", "lv", "mk", "mr", "mt", "ne",
    "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "tr", "uk", "ur", "vi", "zh-Hans", "zh-Hant",
];

/// Adds `name`, its script when that is not Latin, and `name:xx`, from a zoom on.
pub fn add<'a>(mut feature: Feature<'a>, tags: Tags<'a>, min_zoom: u8) -> Feature<'a> {
    for (key, value) in tags.iter().filter(|(key, value)| key.starts_with("name") && !value.is_empty()) {
        if key == "name" {
            feature = feature.text_from("name", Some(value), min_zoom);
            feature = feature.text_from("script", script(value), min_zoom);
        } else if key.strip_prefix("name:").is_some_and(|language| LANGUAGES.contains(&language)) {
            feature = feature.text_from(key, Some(value), min_zoom);
        }
    }
    let chinese = tags.get("name:zh");
    for key in ["name:zh-Hans", "name:zh-Hant"] {
        if tags.get(key).is_none() {
            feature = feature.text_from(key, chinese, min_zoom);
        }
    }
    feature
}

/// The script of the first letter that is not Latin, as the styles name it; `None` for a Latin name.
fn script(name: &str) -> Option<&'static str> {
    let found = name.chars().find_map(script_of)?;
    let has_kana = name.chars().any(|c| matches!(script_of(c), Some("Hiragana" | "Katakana")));
    let has_han = name.chars().any(|c| script_of(c) == Some("Han"));
    Some(if has_kana && has_han { "Mixed-Japanese" } else { found })
}

/// From the blocks of Unicode.
fn script_of(c: char) -> Option<&'static str> {
    Some(match u32::from(c) {
        0x0370..=0x03FF => "Greek",
        0x0400..=0x052F => "Cyrillic",
        0x0530..=0x058F => "Armenian",
        0x0590..=0x05FF => "Hebrew",
        0x0600..=0x06FF | 0x0750..=0x077F => "Arabic",
        0x0900..=0x097F => "Devanagari",
        0x0980..=0x09FF => "Bengali",
        0x0B80..=0x0BFF => "Tamil",
        0x0E00..=0x0E7F => "Thai",
        0x10A0..=0x10FF => "Georgian",
        0x1100..=0x11FF | 0xAC00..=0xD7AF => "Hangul",
        0x3040..=0x309F => "Hiragana",
        0x30A0..=0x30FF => "Katakana",
        0x3400..=0x4DBF | 0x4E00..=0x9FFF => "Han",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latin_name_has_no_script_and_others_have_theirs() {
        assert_eq!(script("Mannerheimintie"), None);
        assert_eq!(script("улица Ленина"), Some("Cyrillic"));
        assert_eq!(script("Λεωφόρος"), Some("Greek"));
        assert_eq!(script("お茶の水"), Some("Mixed-Japanese"));
        assert_eq!(script("東京"), Some("Han"));
    }
}
