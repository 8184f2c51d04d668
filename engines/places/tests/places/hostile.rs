//! Text and files that somebody made to break the search.

use std::fs;
use std::time::{Duration, Instant};

use mapfolder::Folder;
use places::{Places, Query};
use proptest::prelude::*;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use crate::support;
use crate::town::{at, town};

/// In a build that is not optimised, on a machine that does other things too.
const NOT_SLOW: Duration = Duration::from_secs(3);

fn ask(text: &str) {
    for autocomplete in [false, true] {
        let started = Instant::now();
        let query = Query { autocomplete, near: Some(at(47.1, 9.52)), ..Query::new(text) };
        let hits = town().places.search(&query).unwrap();
        assert!(hits.len() <= 10);
        assert!(
            started.elapsed() < NOT_SLOW,
            "{:?} for {:?}",
            started.elapsed(),
            text.chars().take(40).collect::<String>()
        );
    }
}

#[test]
fn hostile_text_gets_an_answer_or_none() {
    let long_word = "a".repeat(1_000_000);
    let many_words = "landstrasse 4 ".repeat(100_000);
    let accents = format!("e{}", "\u{301}".repeat(100_000));
    for text in [
        long_word.as_str(),
        many_words.as_str(),
        accents.as_str(),
        "\0\u{1}\u{7f}\u{202e}Landstraße\u{0} 4",
        "!!!???...---///\\\\",
        "name:landstrasse AND NOT (area:* OR *:*) ~2 ^99 \"x\" [a TO z] /.*/ +(-",
        "شارع الملك فهد ١٢",
        "רחוב הרצל 5 תל אביב",
        "東京都千代田区丸の内1-9-1",
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "4294967295 99999999999999999999 -1 1-4294967295",
        "a b c d e f g h i j k l m n o p",
        "ﬀﬁ㎏½Ⅷ①",
        "%00%27%22<script>",
    ] {
        ask(text);
    }
}

#[test]
fn a_limit_beyond_all_bounds_is_cut() {
    for limit in [0, 1, usize::MAX] {
        let hits = town().places.search(&Query { limit, ..Query::new("street") }).unwrap();
        assert!(!hits.is_empty() && hits.len() <= places::MAX_HITS);
        assert!(town().places.reverse(at(47.1, 9.52), limit).len() <= places::MAX_HITS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_breaks_the_search(text in "\\PC{0,60}", autocomplete: bool) {
        town().places.search(&Query { autocomplete, ..Query::new(text) }).unwrap();
    }

    #[test]
    fn no_point_breaks_the_reverse_search(lat_e7: i32, lon_e7: i32) {
        town().places.reverse(osm::Point { lat_e7, lon_e7 }, 3);
    }
}

/// Every part flipped at a few places, cut, and emptied: the folder refuses it, and nothing panics.
#[test]
fn damaged_files_are_refused() {
    let imported = support::import(crate::town::data());
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let version = fs::read_dir(imported.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("places.book").exists())
        .unwrap();
    let files = [version.join("places.book"), largest(&version.join("search"))];
    for file in files {
        let whole = fs::read(&file).unwrap();
        for damaged in damages(&whole, &mut rng) {
            let mut permissions = fs::metadata(&file).unwrap().permissions();
            #[expect(clippy::permissions_set_readonly_false, reason = "a folder of this test")]
            permissions.set_readonly(false);
            fs::set_permissions(&file, permissions).unwrap();
            fs::write(&file, &damaged).unwrap();
            let opened = Folder::open(imported.folder.path())
                .map_err(places::Error::from)
                .and_then(|folder| Places::open(&folder));
            assert!(opened.is_err(), "{} of {} bytes was taken", file.display(), damaged.len());
        }
        fs::write(&file, &whole).unwrap();
        let folder = Folder::open(imported.folder.path()).unwrap();
        assert!(Places::open(&folder).is_ok(), "whole again, it opens");
    }
}

fn largest(folder: &std::path::Path) -> std::path::PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

fn damages(whole: &[u8], rng: &mut ChaCha8Rng) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new(), whole[..whole.len() / 2].to_vec(), whole[..whole.len() - 1].to_vec()];
    for _ in 0..8 {
        let mut flipped = whole.to_vec();
        flipped[rng.random_range(0..whole.len())] ^= 1 << rng.random_range(0..8);
        all.push(flipped);
    }
    all
}
