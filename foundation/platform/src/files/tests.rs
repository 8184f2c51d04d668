//! Pictures: what is stored was written by this program, whatever was sent.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use kernel::random::Random;

use super::{Fit, Image};
use crate::{Kind, Result};

const FIT: Fit = Fit { longest_side: 64 };
const CANARY: &[u8] = b"<script>canary</script>";

/// Left half red, right half blue.
fn flag(width: u32, height: u32) -> DynamicImage {
    let half = width / 2;
    let pixel = |x, _y| if x < half { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) };
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, pixel))
}

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn read(image: &Image) -> RgbImage {
    image::load_from_memory(image.bytes()).unwrap().into_rgb8()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// A segment of a JPEG file, put behind its first two bytes.
fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, payload, &jpeg[2..]].concat()
}

/// Exif with an orientation, a description and a place.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let text_at = 8 + 2 + 2 * 12 + 4;
    let text_length = u32::try_from(CANARY.len()).unwrap();
    [
        &b"Exif\0\0II*\0\x08\0\0\0\x02\0"[..],
        &entry(0x010e, 2, text_length, u32::to_le_bytes(text_at)),
        &entry(0x0112, 3, 1, [orientation, 0, 0, 0]),
        &[0; 4],
        CANARY,
    ]
    .concat()
}

/// The kinds of segments of a JPEG file up to its pixels.
fn segments(jpeg: &[u8]) -> Vec<u8> {
    let (mut at, mut found) = (2, Vec::new());
    while jpeg[at] == 0xff && jpeg[at + 1] != 0xda {
        found.push(jpeg[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    found
}

/// The kinds of chunks of a PNG file, which must end with the last.
fn chunks(png: &[u8]) -> Vec<String> {
    let (mut at, mut found) = (8, Vec::new());
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        found.push(String::from_utf8(png[at + 4..at + 8].to_vec()).unwrap());
        at += 12 + usize::try_from(length).unwrap();
    }
    found
}

/// What comes out is what this program writes, and nothing else.
fn assert_clean(image: &Image) {
    let bytes = image.bytes();
    assert!(!contains(bytes, b"canary") && !contains(bytes, b"Exif"));
    let (width, height) = image.size();
    assert!((1..=64).contains(&width) && (1..=64).contains(&height));
    if image.media_type() == "image/jpeg" {
        // JFIF header, tables, frame: no Exif (e1), no profile (e2), no comment (fe).
        assert!(
            segments(bytes).iter().all(|kind| [0xe0, 0xdb, 0xc0, 0xc4].contains(kind)),
            "{:x?}",
            segments(bytes)
        );
        assert!(bytes.ends_with(&[0xff, 0xd9]));
    } else {
        assert!(
            chunks(bytes).iter().all(|kind| ["IHDR", "IDAT", "IEND"].contains(&kind.as_str())),
            "{:?}",
            chunks(bytes)
        );
    }
    let again = image::load_from_memory(bytes).unwrap();
    assert_eq!((again.width(), again.height()), (width, height));
}

fn refused(result: Result<Image>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{}", error.chain());
    error.code().to_owned()
}

#[test]
fn a_photograph_becomes_a_smaller_jpeg_of_the_same_shape() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let image = Image::clean(&file(&flag(400, 200), format), FIT).unwrap();
        assert_eq!((image.size(), image.media_type()), ((64, 32), "image/jpeg"));
        assert_clean(&image);
        let pixels = read(&image);
        assert!(pixels[(5, 16)][0] > 200 && pixels[(58, 16)][2] > 200, "red to the left, blue to the right");
    }
    let small = Image::clean(&file(&flag(10, 4), ImageFormat::Png), FIT).unwrap();
    assert_eq!(small.size(), (10, 4), "nothing is made larger");
}

#[test]
fn a_logo_keeps_its_transparency_and_an_opaque_one_needs_none() {
    let clear = |alpha| RgbaImage::from_fn(80, 80, |x, _| Rgba([9, 99, 9, if x < 40 { 255 } else { alpha }]));
    let logo = Image::clean(&file(&clear(0).into(), ImageFormat::Png), FIT).unwrap();
    assert_eq!((logo.media_type(), logo.size()), ("image/png", (64, 64)));
    assert_clean(&logo);
    let alpha = image::load_from_memory(logo.bytes()).unwrap().into_rgba8();
    assert_eq!((alpha[(2, 2)].0[3], alpha[(62, 2)].0[3]), (255, 0));
    let opaque = Image::clean(&file(&clear(255).into(), ImageFormat::Png), FIT).unwrap();
    assert_eq!(opaque.media_type(), "image/jpeg");
}

#[test]
fn a_picture_taken_sideways_is_turned_upright_and_says_nothing_about_where_it_was_taken() {
    let photo = with_segment(&file(&flag(40, 20), ImageFormat::Jpeg), 0xe1, &exif(6));
    let photo = with_segment(&photo, 0xfe, CANARY);
    assert!(contains(&photo, CANARY));
    let image = Image::clean(&photo, FIT).unwrap();
    assert_eq!(image.size(), (20, 40));
    assert_clean(&image);
    let pixels = read(&image);
    assert!(pixels[(10, 4)][0] > 200 && pixels[(10, 36)][2] > 200, "red above, blue below");
}

#[test]
fn a_second_file_behind_the_picture_does_not_survive() {
    for tail in
        [&b"PK\x03\x04"[..], b"<?php canary", b"<html><script>canary", b"%PDF-1.7 canary", b"\xff\xd8canary"]
    {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let polyglot = [&file(&flag(90, 40), format)[..], tail, CANARY].concat();
            assert_clean(&Image::clean(&polyglot, FIT).unwrap());
        }
    }
}

#[test]
fn what_is_no_picture_is_refused_whatever_it_claims_to_be() {
    let texts: [&[u8]; 10] = [
        b"",
        b"\0",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='canary()'/>",
        b"<!doctype html><script>canary</script>",
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x01\0\x01\0\x01\0\x18\0\0\0\xff\0",
        b"%PDF-1.7",
        b"MZ\x90\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ];
    for text in texts {
        assert_eq!(refused(Image::clean(text, FIT)), "unknown_image", "{text:?}");
    }
}

/// A file of a few bytes that announces gigabytes.
#[test]
fn a_picture_that_would_fill_the_memory_is_refused_from_its_head() {
    let mut png = file(&flag(2, 2), ImageFormat::Png);
    for (width, height) in
        [(50_000_u32, 50_000_u32), (8_000, 4_001), (16_385, 1), (1, 16_385), (u32::MAX >> 1, 1)]
    {
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc32(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&crc);
        assert_eq!(refused(Image::clean(&png, FIT)), "image_too_large", "{width} x {height}");
    }
    let mut jpeg = file(&flag(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    assert_eq!(refused(Image::clean(&jpeg, FIT)), "image_too_large");
}

/// As PNG defines it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 },
        )
    })
}

/// Cut at every place, and with random bytes changed: refused, or clean.
#[test]
fn a_damaged_picture_is_refused_or_comes_out_clean() {
    let random = Random::seeded(11);
    let (mut clean, mut broken) = (0, 0);
    let mut judge = |bytes: &[u8]| match Image::clean(bytes, FIT) {
        Ok(image) => {
            assert_clean(&image);
            clean += 1;
        }
        Err(error) => {
            assert_eq!(error.kind(), Kind::Invalid, "{}", error.chain());
            broken += 1;
        }
    };
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let whole = file(&flag(48, 32), format);
        for length in (0..whole.len()).step_by(whole.len().div_ceil(120)) {
            judge(&whole[..length]);
        }
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..3 {
                let draw = u32::from_be_bytes(random.bytes());
                let at = usize::try_from(draw >> 8).unwrap() % bytes.len();
                bytes[at] ^= u8::try_from(draw & 0xff).unwrap();
            }
            judge(&bytes);
        }
    }
    assert!(clean > 50 && broken > 200, "{clean} clean, {broken} refused");
}
