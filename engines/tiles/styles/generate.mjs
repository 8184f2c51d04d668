// Makes light.json and dark.json from the styles of Protomaps (BSD-3-Clause, see LICENSE-protomaps-basemaps.md).
//
//   npm install --no-save @protomaps/basemaps@5.7.2 && node engines/tiles/styles/generate.mjs
//
// What is changed, and why:
// - No `glyphs` and no `sprite`: the client draws letters with the fonts of the device, and nothing is asked of others.
//   Layers that are nothing without sprites (shields, one-way arrows) are left out; the icons beside texts as well.
// - Labels are the local names, as they stand on the street signs that a courier reads, and not English ones.
// - Labels of places of interest are centred, because the icon that they stood beside is gone, and only of those kinds
//   that help to find a door.
// - Tile addresses are put in when the style is served.

import { writeFileSync } from "node:fs";
import { layers, namedFlavor } from "@protomaps/basemaps";

const here = new URL(".", import.meta.url);
const needSprites = new Set(["roads_shields", "roads_oneway"]);
const localName = ["coalesce", ["get", "name"], ["get", "name:en"]];

function adapt(layer) {
  if (layer.type !== "symbol") return layer;
  const layout = Object.fromEntries(Object.entries(layer.layout).filter(([key]) => !key.startsWith("icon-")));
  if (layer.id !== "address_label") layout["text-field"] = localName;
  if (layer.id === "pois") {
    delete layout["text-variable-anchor"];
    delete layout["text-justify"];
    layout["text-offset"] = [0, 0];
    layout["text-size"] = ["interpolate", ["linear"], ["zoom"], 14, 10, 17, 11, 19, 14];
    layout["text-padding"] = 8;
    layout["symbol-sort-key"] = ["get", "min_zoom"];
  }
  if (layer.id === "places_locality") {
    // Without the dot there is nothing to stand beside.
    delete layout["text-variable-anchor"];
    delete layout["text-radial-offset"];
  }
  return { ...layer, layout };
}

for (const name of ["light", "dark"]) {
  const style = {
    version: 8,
    name: `DropMate ${name}`,
    metadata: { origin: "@protomaps/basemaps 5.7.2, BSD-3-Clause, changed by generate.mjs" },
    sources: { protomaps: { type: "vector", url: "" } },
    layers: layers("protomaps", namedFlavor(name), { lang: "en" })
      .filter((layer) => !needSprites.has(layer.id))
      .map(adapt),
  };
  writeFileSync(new URL(`${name}.json`, here), JSON.stringify(style, null, 1) + "\n");
}
