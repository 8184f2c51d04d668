//! Pictures, made fit to be stored: decoded within limits, made smaller, turned upright, encoded anew.
//!
//! What comes out is a baseline JPEG (opaque) or a PNG (with transparency) that this program wrote from pixels: no
//! metadata, no second file behind the first, no animation, no script. Source of the limits: OWASP File Upload Cheat Sheet,
//! and the memory that one decoder may take.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageReader, Limits};

use crate::{Error, Kind, Result};

/// Pixels of a picture: more than a phone's camera makes, less than exhausts the machine.
const MAX_PIXELS: u64 = 32_000_000;
/// The longest side, in pixels.
const MAX_SIDE: u32 = 16_384;
/// Bytes that a decoder may take for itself and its result.
const MAX_MEMORY: u64 = 128 * 1024 * 1024;
/// Of 100; above it photographs grow without looking better.
const JPEG_QUALITY: u8 = 85;

/// How large a stored picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Pixels of the longer side; smaller pictures keep their size.
    pub longest_side: u32,
}

/// A picture that this program encoded.
#[derive(Clone)]
pub struct Image {
    bytes: Bytes,
    media_type: &'static str,
    width: u32,
    height: u32,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} x {}, {})", self.width, self.height, self.media_type)
    }
}

impl Image {
    /// Makes one from what a caller sent; the kind is told from the content. Takes up to two seconds of a core: call it
    /// where that disturbs nobody ([`super::Files::image`]).
    pub(super) fn clean(bytes: &[u8], fit: Fit) -> Result<Self> {
        let picture = shrink(decode(bytes)?, fit);
        if is_transparent(&picture) {
            return encode(&DynamicImage::ImageRgba8(picture.into_rgba8()), "image/png");
        }
        encode(&DynamicImage::ImageRgb8(picture.into_rgb8()), "image/jpeg")
    }

    /// The file.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// `image/jpeg` or `image/png`.
    pub fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

fn decode(bytes: &[u8]) -> Result<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(damaged)?;
    if reader.format().is_none() {
        return Err(unknown());
    }
    let limits = limits();
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width.max(height) > MAX_SIDE {
        return Err(too_large());
    }
    decoder.set_limits(limits).map_err(refused)?;
    // A damaged note about the camera is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    limits
}

/// Halves roughly and quickly first: the good filter then has four pixels for one, whatever the size was.
fn shrink(picture: DynamicImage, fit: Fit) -> DynamicImage {
    let side = fit.longest_side;
    let longest = |picture: &DynamicImage| picture.width().max(picture.height());
    let picture = if longest(&picture) > side.saturating_mul(2) {
        picture.thumbnail(side.saturating_mul(2), side.saturating_mul(2))
    } else {
        picture
    };
    if longest(&picture) > side { picture.resize(side, side, FilterType::CatmullRom) } else { picture }
}

fn is_transparent(picture: &DynamicImage) -> bool {
    picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX)
}

fn encode(picture: &DynamicImage, media_type: &'static str) -> Result<Image> {
    let (width, height, color) = (picture.width(), picture.height(), picture.color().into());
    let mut bytes = Vec::new();
    let written = if media_type == "image/png" {
        PngEncoder::new(&mut bytes).write_image(picture.as_bytes(), width, height, color)
    } else {
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).write_image(
            picture.as_bytes(),
            width,
            height,
            color,
        )
    };
    written.map_err(Error::internal)?;
    Ok(Image { bytes: Bytes::from(bytes), media_type, width, height })
}

fn refused(error: image::ImageError) -> Error {
    match error {
        image::ImageError::Limits(_) => too_large(),
        image::ImageError::Unsupported(_) => unknown().with_source(error),
        other => damaged(other),
    }
}

fn unknown() -> Error {
    Error::new(Kind::Invalid, "unknown_image", "The file is not a JPEG, PNG or WebP picture.")
}

fn too_large() -> Error {
    let text = "The picture has too many pixels; 32 million are the most. Send a smaller version.";
    Error::new(Kind::Invalid, "image_too_large", text)
}

pub(super) fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Invalid, "damaged_image", "The picture is damaged and cannot be read.")
        .with_source(error)
}
