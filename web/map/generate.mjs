// Puts MapLibre GL JS where the gateway is built from: `node generate.mjs`, or `--check` that what is there is the package that
// package-lock.json names, byte for byte.
//
// The files are kept in the repository, packed, so that `cargo build` alone makes the whole program: who runs DropMate needs
// neither Node nor npm. They are never edited: a newer version is a line in package.json and `script/bless`.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

const origin = new URL('../node_modules/maplibre-gl/', import.meta.url);
const target = new URL('../../services/gateway/assets/maplibre/', import.meta.url);
const version = JSON.parse(readFileSync(new URL('package.json', origin), 'utf8')).version;
const packed = ['maplibre-gl.mjs', 'maplibre-gl-worker.mjs', 'maplibre-gl.css'];

/** Without the line that names a map of the source: it is not served. */
function served(name) {
  const text = readFileSync(new URL(`dist/${name}`, origin), 'utf8');
  return Buffer.from(text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'));
}

const plain = new Map([
  ['VERSION', Buffer.from(version)],
  ['LICENSE.txt', readFileSync(new URL('LICENSE.txt', origin))],
]);
const names = [...packed.map((name) => `${name}.gz`), ...plain.keys()].sort();

if (process.argv.includes('--check')) {
  const again = 'run script/bless';
  assert.deepEqual(readdirSync(target).sort(), names, `other files than those of the package: ${again}`);
  const read = (name) => readFileSync(new URL(name, target));
  for (const [name, bytes] of plain) assert.ok(read(name).equals(bytes), `${name} is not that of the package: ${again}`);
  for (const name of packed) {
    assert.ok(gunzipSync(read(`${name}.gz`)).equals(served(name)), `${name} is not that of the package: ${again}`);
  }
} else {
  for (const name of readdirSync(target)) rmSync(new URL(name, target));
  for (const [name, bytes] of plain) writeFileSync(new URL(name, target), bytes);
  for (const name of packed) writeFileSync(new URL(`${name}.gz`, target), gzipSync(served(name), { level: 9 }));
}
