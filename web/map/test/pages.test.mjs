// What of the pages' map can be said without a browser; the rest is in tests/it/pages_map.rs.
import assert from 'node:assert/strict';
import { test } from 'node:test';

globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
const { ago, around, glide, turn } = await import('../../../services/gateway/templates/pages/map.js');
const { gather, nameSides } = await import('../../../services/gateway/templates/pages/map-live.js');

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

/** Who stands together, as text. */
const together = (groups) => [...groups.values()].map((members) => members.map((one) => one.id).join('+')).sort();

test('couriers who stand together are one mark, and whoever is near only one of them is another', () => {
  const couriers = [{ id: 'a', x: 100, y: 100 }, { id: 'b', x: 115, y: 100 }, { id: 'c', x: 130, y: 100 }, { id: 'd', x: 300, y: 20 }];
  const groups = gather(couriers);
  assert.deepEqual(together(groups), ['a+b', 'c', 'd']);
  assert.deepEqual([...groups.keys()], ['a', 'c', 'd'], 'a group is known by its first');
});

test('a courier who goes a little away stays in the mark, and the first of it stays the first', () => {
  const before = new Map([['a', 'b'], ['b', 'b']]);
  const at = (x) => [{ id: 'a', x, y: 0 }, { id: 'b', x: 0, y: 0 }];
  assert.deepEqual([...gather(at(25), before).keys()], ['b']);
  assert.deepEqual(together(gather(at(25))), ['a', 'b'], 'who was not together before is not for that');
  assert.deepEqual(together(gather(at(30), before)), ['a', 'b']);
});

/** Where a name is, from what was decided. */
function nameOf({ x, y, half, wide }, side) {
  const off = half + 3;
  return {
    below: [x - wide / 2, y + off, x + wide / 2, y + off + 19], above: [x - wide / 2, y - off - 19, x + wide / 2, y - off],
    right: [x + off, y - 9.5, x + off + wide, y + 9.5], left: [x - off - wide, y - 9.5, x - off, y + 9.5],
  }[side];
}

const touch = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

test('no name lies on another or on the mark of another, however many there are, and those that come first have one', () => {
  let seed = 7;
  const random = (most) => { seed = (seed * 16807) % 2147483647; return (seed / 2147483647) * most; };
  for (const count of [2, 12, 60, 400]) {
    const marks = Array.from({ length: count }, () => ({ x: random(800), y: random(600), half: 13, wide: 40 + random(100) }));
    const sides = nameSides(marks, [], 800, 600);
    const names = marks.map((mark, index) => ({ mark, box: nameOf(mark, sides[index]) })).filter(({ box }) => box);
    for (const [index, one] of names.entries()) {
      assert.ok(one.box[0] >= 0 && one.box[1] >= 0 && one.box[2] <= 800 && one.box[3] <= 600);
      for (const other of names.slice(index + 1)) assert.ok(!touch(one.box, other.box), `${one.box} and ${other.box}`);
      for (const { x, y } of marks) {
        if (x !== one.mark.x) assert.ok(!touch(one.box, [x - 13, y - 13, x + 13, y + 13]), `${one.box} lies on a mark`);
      }
    }
    assert.ok(names.length >= Math.min(count, 12) * 0.9, `${names.length} of ${count} have names`);
  }
});

test('a name stays where it was as long as there is room, and goes on an order only where there is no other place', () => {
  const mark = { x: 400, y: 300, half: 13, wide: 80 };
  assert.deepEqual(nameSides([mark], [], 800, 600), ['below']);
  assert.deepEqual(nameSides([{ ...mark, side: 'right' }], [], 800, 600), ['right']);
  assert.deepEqual(nameSides([mark], [{ x: 400, y: 340 }], 800, 600), ['above']);
  const around = [[400, 340], [400, 280], [340, 310], [460, 310]].map(([x, y]) => ({ x, y }));
  assert.notDeepEqual(nameSides([mark], around, 800, 600), ['none']);
  assert.deepEqual(nameSides([{ ...mark, y: 590 }], [], 800, 600), ['above'], 'not beyond the edge');
});

test('the names of two thousand couriers are placed fast enough for a map that moves', () => {
  let seed = 3;
  const random = (most) => { seed = (seed * 16807) % 2147483647; return (seed / 2147483647) * most; };
  const couriers = Array.from({ length: 2000 }, (_, id) => ({ id: String(id), x: random(1200), y: random(900), half: 13, wide: 90 }));
  const times = Array.from({ length: 9 }, () => {
    const begun = performance.now();
    const firsts = new Set(gather(couriers).keys());
    nameSides(couriers.filter(({ id }) => firsts.has(id)), [], 1200, 900);
    return performance.now() - begun;
  }).sort((a, b) => a - b);
  console.log(`2,000 couriers: ${times[4].toFixed(1)} ms (median of 9)`);
  // Far more than it takes, for machines that do other things as well.
  assert.ok(times[0] < 100, `${times[0]} ms`);
});
