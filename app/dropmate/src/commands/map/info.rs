//! `dropmate map info`

use std::path::Path;

use anyhow::{Context, Result};
use kernel::time::Timestamp;
use mapfolder::Folder;
use serde_json::{Value, json};

/// What the import has found, beside the map.
pub(super) const SUMMARY: &str = "summary.json";

/// Says what map there is.
pub(super) fn run(dir: &Path, as_json: bool) -> Result<()> {
    let folder = Folder::open(dir).with_context(|| {
        format!(
            "there is no map in {} that can be used; make one with `dropmate map import FILE`",
            dir.display()
        )
    })?;
    let manifest = folder.manifest();
    let found: Value = if folder.has(SUMMARY) {
        serde_json::from_slice(&folder.map(SUMMARY)?).context("the summary of the map")?
    } else {
        Value::Null
    };
    let bounds = manifest.source.bounds();
    let bytes: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
    let state = manifest.source.timestamp.and_then(|seconds| Timestamp::from_second(seconds).ok());
    let told = json!({
        "folder": dir, "version": manifest.version, "file": manifest.source.file_name, "map_of": state,
        "bounds": [bounds.min.lon(), bounds.min.lat(), bounds.max.lon(), bounds.max.lat()],
        "bytes": bytes, "attribution": manifest.source.attribution,
        "roads": found["roads"], "addresses": found["addresses"], "tiles": found["tiles"],
    });
    if as_json {
        println!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        print!("{}", text(&told));
    }
    Ok(())
}

fn text(told: &Value) -> String {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let mut lines = vec![
        format!("map of {} in {}", string(&told["file"]), string(&told["folder"])),
        format!("  state      {}", told["map_of"].as_str().unwrap_or("not said by the file")),
        format!(
            "  area       {:.4},{:.4} to {:.4},{:.4}",
            degrees(&told["bounds"][1]),
            degrees(&told["bounds"][0]),
            degrees(&told["bounds"][3]),
            degrees(&told["bounds"][2])
        ),
    ];
    for one in told["roads"]["profiles"].as_array().into_iter().flatten() {
        lines.push(format!(
            "  {:<10} {} junctions, {} pieces of road, {} edges, {} turns, {:.1} % connected, {} turn restrictions",
            string(&one["profile"]),
            number(&one["junctions"]),
            number(&one["segments"]),
            number(&one["edges"]),
            number(&one["turns"]),
            one["connected"].as_f64().unwrap_or(0.0) * 100.0,
            number(&one["restrictions"])
        ));
    }
    let found = &told["addresses"];
    lines.push(format!(
        "  addresses  {} houses in {} streets, {} more between them; {} other places",
        number(&found["houses"]),
        number(&found["streets"]),
        number(&found["interpolated"]),
        number(&found["pois"]) + number(&found["places"])
    ));
    if number(&found["official"]) > 0 {
        lines.push(format!("  official   {} houses of official lists", number(&found["official"])));
    }
    lines.push(format!("  pictures   {} features", number(&told["tiles"]["features"])));
    for warning in told["tiles"]["warnings"].as_array().into_iter().flatten() {
        lines.push(format!("  warning    {}", string(warning)));
    }
    lines.push(format!("  size       {} KB", number(&told["bytes"]) / 1_000));
    lines.push(format!("  {}", string(&told["attribution"])));
    lines.join("\n") + "\n"
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn degrees(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}
