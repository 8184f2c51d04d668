// What of the pages' map can be said without a browser; the rest is in tests/it/pages_map.rs.
import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
const { ago, around, glide, turn } = await import('../../../services/gateway/templates/pages/map.js');

test('ages are said as the server says them', () => {
  const said = [4, 5, 119, 120, 7199, 7200].map(ago);
  assert.deepEqual(said, ['just now', '5 s ago', '119 s ago', '2 min ago', '119 min ago', '2 h ago']);
});

test('the box around places has its corners in the south-west and the north-east', () => {
  assert.deepEqual(around([[24.95, 60.16], [24.93, 60.18]]), [[24.93, 60.16], [24.95, 60.18]]);
});

test('who is farther away than anybody goes between two positions is drawn there at once', () => {
  globalThis.document = { hidden: false };
  const set = [];
  const marker = { getLngLat: () => ({ toArray: () => [24.9, 60.1] }), setLngLat: (at) => set.push(at) };
  glide(marker, [25.9, 60.1]);
  assert.deepEqual(set, [[25.9, 60.1]]);
});

test('a courier who has not been heard of for long is shown as such, and one who stands has no direction', () => {
  const classes = new Map();
  const button = { classList: { toggle: (name, on) => classes.set(name, on) }, style: { setProperty: () => assert.fail('no direction') } };
  turn({ getElement: () => button }, undefined, 91);
  assert.deepEqual([...classes], [['headed', false], ['old', true]]);
});
