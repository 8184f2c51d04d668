// The map of those who watch the day (/live): everybody who works, every order that is open, and a pin that tells addresses.
import { LOOK, ago, around, describe, draw, element, framing, glide, lines, markerOf, turn } from './map.js';

/** Everybody who works and every order that is open. `pick` is told what was chosen on the map. */
export async function live(place, { send, pick }) {
  const note = document.getElementById('place-note');
  const answer = await fetch('/api/v1/map');
  const known = answer.ok ? await answer.json() : undefined;
  let told = placesIn();
  const [west, south, east, north] = known?.bounds || [24.9, 60.15, 25, 60.2];
  const all = () => [...told.drivers, ...told.orders].filter((one) => one.at).map((one) => one.at);
  const some = all();
  const drawn = await draw(place, some.length > 0 ? around(some) : [[west, south], [east, north]]);
  note.hidden = Boolean(known);
  const frame = framing(place, drawn.map);
  const way = wayOf(lines(drawn.map), send);
  const markers = new Map();
  let chosen;
  const ages = new Map();
  const said = (one) => [one.availability, ...one.orders, ago(ageOf(one))].join(', ');
  const ageOf = (one) => one.age_s + (Date.now() - ages.get(one.id)) / 1000;
  const crowd = crowdOf(place, drawn, { pick, said, markers, told: () => told, chosen: () => chosen });

  const put = (one, kind, label, text) => {
    if (!markers.has(one.id)) {
      const marker = markerOf(drawn, kind, one.at, label);
      const button = marker.getElement();
      // Whatever is on the map is in the lists as well: the tab key goes through those, and once to the couriers here.
      button.tabIndex = -1;
      button.addEventListener('click', (event) => { event.stopPropagation(); pick(one.id); });
      if (kind === 'courier') button.addEventListener('keydown', crowd.walk);
      markers.set(one.id, marker);
    }
    describe(markers.get(one.id), label, text);
    markers.get(one.id).getElement().classList.toggle('picked', one.id === chosen);
    return markers.get(one.id);
  };
  const driver = (one) => {
    const marker = put(one, 'courier', one.name, `${one.name}, ${said(one)}`);
    marker.getElement().classList.toggle('idle', !one.works);
    turn(marker, one.heading, ageOf(one));
    return marker;
  };
  const link = () => {
    const order = told.orders.find((one) => one.id === chosen);
    way(order, told.drivers.find((one) => one.id === order?.driver));
  };
  const update = () => {
    told = placesIn();
    const there = new Set();
    for (const one of told.drivers.filter((each) => each.at)) {
      there.add(one.id);
      ages.set(one.id, Date.now());
      glide(driver(one), one.at, crowd.soon);
    }
    for (const one of told.orders.filter((each) => each.at)) {
      there.add(one.id);
      const marker = put(one, 'order', one.number, `${one.number}, ${one.status}, ${one.place}`).setLngLat(one.at);
      marker.getElement().classList.toggle('taken', Boolean(one.driver));
    }
    for (const [id, marker] of markers) if (!there.has(id)) { marker.remove(); markers.delete(id); }
    crowd.soon();
    link();
    frame(all());
  };
  update();
  setInterval(() => { told.drivers.filter((one) => one.at).forEach(driver); crowd.soon(); }, LOOK);
  pin(place, drawn, send, Boolean(known));
  return {
    update,
    /** A position that was told just now. */
    moved({ driver_id: id, position, heading_deg: heading }) {
      const one = told.drivers.find((each) => each.id === id);
      if (!one) return;
      Object.assign(one, { at: [position.lon, position.lat], heading, age_s: 0 });
      ages.set(id, Date.now());
      glide(driver(one), one.at, crowd.soon);
      link();
    },
    /** Something was chosen in the lists, or nothing any more. */
    choose(id, move) {
      chosen = id;
      for (const [key, marker] of markers) marker.getElement().classList.toggle('picked', key === id);
      crowd.soon();
      link();
      const where = markers.get(id)?.getLngLat();
      if (move && where && !drawn.map.getBounds().contains(where)) drawn.map.easeTo({ center: where });
    },
  };
}

// --- the way of the order that was chosen -------------------------------------------------------------------------------------

/** Draws how an order is joined to its courier: dotted at once, along the streets as soon as those are known. */
function wayOf(line, send) {
  let shown;
  let known = [];
  let asked = 0;
  const drawn = (order, holder) => {
    const ends = [holder?.at, order?.at];
    if (known.length > 1) line(known);
    else line(ends.every(Boolean) ? ends : [], true);
  };
  return async (order, holder) => {
    if (order?.id !== shown) { shown = order?.id; known = []; asked = 0; }
    if (!order?.driver || !order.code) known = [];
    drawn(order, holder);
    // What customers see of their delivery has the way. While another order comes first it begins at no courier: not drawn then.
    if (!order?.driver || !order.code || Date.now() - asked < LOOK) return;
    asked = Date.now();
    const answer = await send(`/api/v1/track/${order.code}/map`).catch(() => undefined);
    const told = answer?.ok ? await answer.json().catch(() => ({})) : {};
    if (order.id !== shown) return;
    known = told.courier && told.way && told.way.source !== 'straight_line' ? told.way.line : [];
    drawn(order, holder);
  };
}

// --- couriers who stand close together, and names that do not lie on each other ---------------------------------------------

/** Nearer than this couriers are one mark, pixels; who is in one leaves it only farther away, so that it does not flicker. */
const [TOGETHER, APART] = [20, 28];
/** Half of what a mark measures, of one courier and of several; half of an order's, and how far above its place it is, pixels. */
const [ONE, MANY, PIN] = [13, 15, 9];
/** What a name has around its text and between it and its mark; its height and the most that is shown of it, pixels. */
const [AROUND, GAP, HIGH, MOST] = [12, 3, 19, 190];
/** A cell and those around it. */
const AROUND_IT = [-1, 0, 1].flatMap((right) => [-1, 0, 1].map((down) => [right, down]));
/** How fine the table is in which is noted what is covered, pixels. */
const CELL = 4;
/** In a table: an order. A name may lie on it where there is no better place. */
const SOFT = 65535;
/** Where a name may stand, best first. */
const SIDES = ['below', 'above', 'right', 'left'];

/** Who stands together with whom: lists by the first in each. `before` tells who was with whom when this was asked last. */
export function gather(couriers, before = new Map()) {
  // One number for a cell: no map is a million cells wide.
  const cell = ({ x, y }, right = 0, down = 0) => (Math.floor(y / APART) + down) * 1e6 + Math.floor(x / APART) + right;
  const cells = new Map();
  for (const one of couriers) {
    const key = cell(one);
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key).push(one);
  }
  // Whoever was first stays first.
  const rank = (one) => (before.get(one.id) === one.id ? 0 : 1);
  const order = [...couriers].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const [groups, taken] = [new Map(), new Set()];
  for (const first of order) {
    if (taken.has(first.id)) continue;
    const members = [];
    for (const [right, down] of AROUND_IT) {
      for (const one of cells.get(cell(first, right, down)) || []) {
        const limit = before.get(one.id) === first.id ? APART : TOGETHER;
        const near = Math.hypot(one.x - first.x, one.y - first.y) < limit;
        if (one === first || (near && !taken.has(one.id))) members.push(one);
      }
    }
    for (const one of members) taken.add(one.id);
    groups.set(first.id, members.sort((a, b) => (a.id < b.id ? -1 : 1)));
  }
  return groups;
}

/** Corners of a name beside its mark. */
function nameBox({ x, y, half, wide }, side) {
  const off = half + GAP;
  const left = { below: x - wide / 2, above: x - wide / 2, right: x + off, left: x - off - wide }[side];
  const top = { below: y + off, above: y - off - HIGH, right: y - HIGH / 2, left: y - HIGH / 2 }[side];
  return [left, top, left + wide, top + HIGH];
}

/**
 * On which side of its mark each name stands, in the order of the marks; `none` where each would lie on another name or on a
 * mark, or beyond the edge. A table of what is covered, hence it takes as long as there are marks, and not their square.
 */
export function nameSides(marks, pins, width, height) {
  const [columns, rows] = [Math.ceil(width / CELL), Math.ceil(height / CELL)];
  const covered = new Uint16Array(columns * rows);
  /** Until one of them is told to be enough. */
  const cells = ([left, top, right, bottom], each) => {
    const [from, until] = [Math.max(0, Math.floor(left / CELL)), Math.min(columns - 1, Math.floor((right - 1) / CELL))];
    const last = Math.min(rows - 1, Math.floor((bottom - 1) / CELL));
    for (let row = Math.max(0, Math.floor(top / CELL)); row <= last; row += 1) {
      for (let column = from; column <= until; column += 1) if (each(row * columns + column)) return;
    }
  };
  const cover = (box, value) => cells(box, (at) => { covered[at] = value; return false; });
  for (const { x, y } of pins) cover([x - PIN, y - 2 * PIN, x + PIN, y], SOFT);
  marks.forEach(({ x, y, half }, index) => cover([x - half, y - half, x + half, y + half], index + 1));
  return marks.map((mark, index) => {
    let best;
    SIDES.forEach((side, preference) => {
      const box = nameBox(mark, side);
      let cost = preference + (side === mark.side ? -SIDES.length : 0);
      if (box[0] < 0 || box[1] < 0 || box[2] > width || box[3] > height) return;
      cells(box, (at) => {
        if (covered[at] === SOFT) cost += 1;
        else if (covered[at] !== 0 && covered[at] !== index + 1) cost = Infinity;
        return cost === Infinity;
      });
      if (cost < (best?.cost ?? Infinity)) best = { side, box, cost };
    });
    if (best) cover(best.box, index + 1);
    return best?.side ?? 'none';
  });
}

/** How wide texts are, without asking the page: that would make it lay itself out each time. */
function ruler() {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = `600 ${0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize)}px system-ui, sans-serif`;
  const known = new Map();
  return (text) => {
    if (!known.has(text)) known.set(text, Math.min(MOST, pen.measureText(text).width + AROUND));
    return known.get(text);
  };
}

/** As much of a name as leaves room for how many others there are. */
function brief(name) {
  return name.length > 20 ? `${name.slice(0, 19).trimEnd()}…` : name;
}

/** Writes what is not there yet. */
function write(node, name, value) {
  if (node[name] !== value) node[name] = value;
}

/** Keeps marks of couriers and their names apart: at most once in a frame, and without asking the page where anything is. */
function crowdOf(place, { gl, map }, { pick, said, markers, told, chosen }) {
  const width = ruler();
  /** Marks of several, by whoever was there first. */
  const many = new Map();
  let [before, sides, waiting, size, stop] = [new Map(), new Map(), false, [0, 0], undefined];
  /** Marks that are shown, of one courier and of several. */
  let shown = [];
  const soon = () => {
    if (!waiting) requestAnimationFrame(arrange);
    waiting = true;
  };
  const list = listOf(place, { pick, said, chosen, soon, size: () => size, mark: (id) => shown.find((one) => one.members.some((each) => each.id === id)) });

  /** Couriers are one stop of the tab key; arrow keys lead from one to the next, from west to east or from north to south. */
  function walk(event) {
    const [axis, step] = { ArrowRight: ['x', 1], ArrowLeft: ['x', -1], ArrowDown: ['y', 1], ArrowUp: ['y', -1] }[event.key] || [];
    const all = [...shown].sort((a, b) => a[axis] - b[axis] || (a.id < b.id ? -1 : 1));
    const here = all.findIndex(({ button }) => button === event.currentTarget);
    if (!axis || here < 0) return;
    // Otherwise the map moves as well.
    event.preventDefault();
    event.stopPropagation();
    const next = all[(here + step + all.length) % all.length];
    stop = next.id;
    next.button.focus({ preventScroll: true });
    soon();
  }

  function together(id, members) {
    if (!many.has(id)) {
      const button = element('button', 'mark courier many');
      Object.assign(button, { type: 'button', tabIndex: -1 });
      button.setAttribute('aria-expanded', 'false');
      button.append(element('b', ''), element('span', 'mark-name'));
      button.addEventListener('click', (event) => { event.stopPropagation(); list.toggle(id, button); });
      button.addEventListener('keydown', walk);
      many.set(id, new gl.Marker({ element: button }).setLngLat(markers.get(id).getLngLat()).addTo(map));
    }
    const [marker, where] = [many.get(id), markers.get(id).getLngLat()];
    const { lng, lat } = marker.getLngLat();
    if (lng !== where.lng || lat !== where.lat) marker.setLngLat(where);
    const button = marker.getElement();
    const picked = members.find((one) => one.id === chosen());
    write(button.firstChild, 'textContent', String(members.length));
    write(button.lastChild, 'textContent', `${brief((picked || members[0]).name)} +${members.length - 1}`);
    const text = `${members.length} couriers: ${members.map((one) => one.name).join(', ')}`;
    if (button.title !== text) button.setAttribute('aria-label', text);
    write(button, 'title', text);
    button.classList.toggle('picked', Boolean(picked));
    button.classList.toggle('idle', !members.some((one) => one.works));
    return button;
  }

  /** The mark of those who stand together; marks of each of them are away meanwhile. */
  function markOf(id, members) {
    const alone = members.length === 1;
    for (const one of members) {
      const button = markers.get(one.id).getElement();
      write(button, 'hidden', !alone);
      if (!alone) write(button, 'tabIndex', -1);
    }
    const people = members.map(({ one }) => one);
    const button = alone ? markers.get(id).getElement() : together(id, people);
    const { x, y } = members.find((one) => one.id === id);
    const side = sides.get(id);
    let rank = people.some((one) => one.works) ? 2 : 3;
    if (side && side !== 'none') rank = 1;
    if (people.some((one) => one.id === chosen())) rank = 0;
    return { id, button, members: people, x, y, half: alone ? ONE : MANY, wide: width(button.lastChild.textContent), side, rank };
  }

  function arrange() {
    waiting = false;
    const held = document.activeElement;
    const point = (where) => map.project(where);
    const couriers = told().drivers.filter((one) => one.at && markers.has(one.id))
      .map((one) => { const { x, y } = point(markers.get(one.id).getLngLat()); return { id: one.id, one, x, y }; });
    const groups = gather(couriers, before);
    before = new Map([...groups].flatMap(([id, members]) => members.map((one) => [one.id, id])));
    const marks = [...groups].map(([id, members]) => markOf(id, members));
    const seen = ({ x, y }) => x > -MANY && y > -MANY && x < size[0] + MANY && y < size[1] + MANY;
    shown = marks.filter(seen).sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
    const pins = told().orders.filter((one) => one.at).map((one) => point(one.at)).filter(seen);
    const found = nameSides(shown, pins, ...size);
    sides = new Map(shown.map(({ id }, index) => [id, found[index]]));
    if (!shown.some(({ id }) => id === stop)) stop = shown[0]?.id;
    shown.forEach(({ id, button }, index) => {
      if (button.dataset.side !== found[index]) button.dataset.side = found[index];
      write(button, 'tabIndex', id === stop ? 0 : -1);
    });
    let lost = held?.hidden && [...markers].find(([, marker]) => marker.getElement() === held)?.[0];
    for (const [id, marker] of many) {
      if ((groups.get(id)?.length ?? 0) > 1) continue;
      if (marker.getElement() === held) lost = id;
      marker.remove();
      many.delete(id);
    }
    // Whoever was on a mark that is away is on the one that took its place.
    if (lost) marks.find(({ members }) => members.some((one) => one.id === lost))?.button.focus({ preventScroll: true });
    list.follow();
  }

  const measure = () => { size = [place.clientWidth, place.clientHeight]; soon(); };
  map.on('move', soon);
  map.on('resize', measure);
  measure();
  return { soon, walk };
}

/** The list of those who stand together: opened by their mark, closed by Escape, by a choice, and by going elsewhere. */
function listOf(place, { pick, said, chosen, soon, size, mark }) {
  const box = element('div', 'crowd');
  box.setAttribute('role', 'group');
  box.hidden = true;
  place.append(box);
  let open;
  let measures;
  const close = (back) => {
    if (!open) return;
    const { id, button } = open;
    open = undefined;
    box.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    if (back) (button.isConnected ? button : mark(id)?.button)?.focus({ preventScroll: true });
  };
  const choose = (event) => {
    const id = event.target.closest('[data-pick]')?.dataset.pick;
    // The lists of the page would choose it once more.
    event.stopPropagation();
    if (!id) return;
    close(true);
    pick(id);
  };
  box.addEventListener('click', choose);
  box.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(true); });
  box.addEventListener('focusout', ({ relatedTarget: to }) => { if (to && !box.contains(to) && to !== open?.button) close(false); });
  document.addEventListener('pointerdown', ({ target }) => { if (!box.contains(target) && !open?.button.contains(target)) close(false); });

  const rowOf = (one) => {
    const row = element('li', '');
    const button = element('button', 'pick', one.name);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(one.id === chosen()));
    button.dataset.pick = one.id;
    row.append(button, element('span', 'soft'));
    return row;
  };
  const fill = (members) => {
    const ids = members.map((one) => one.id).join();
    const held = box.contains(document.activeElement) && document.activeElement.dataset.pick;
    if (box.dataset.ids !== ids || box.hidden) {
      const rows = element('ul', '');
      rows.append(...members.map(rowOf));
      box.replaceChildren(rows);
      box.dataset.ids = ids;
      box.setAttribute('aria-label', `${members.length} couriers here`);
      measures = undefined;
    }
    box.querySelectorAll('.soft').forEach((text, index) => write(text, 'textContent', said(members[index])));
    if (held && !box.contains(document.activeElement)) box.querySelector(`[data-pick="${held}"]`)?.focus({ preventScroll: true });
  };
  return {
    toggle(id, button) {
      const again = open?.id === id;
      close(again);
      if (again) return;
      open = { id, button, fresh: true };
      button.setAttribute('aria-expanded', 'true');
      soon();
    },
    /** Beside its mark, wherever that is now. */
    follow() {
      if (!open) return;
      const here = mark(open.id);
      if (!here || here.members.length < 2) { close(box.contains(document.activeElement)); return; }
      open.button = here.button;
      here.button.setAttribute('aria-expanded', 'true');
      fill(here.members);
      box.hidden = false;
      // Read once for each list: what is asked here makes the page lay itself out.
      measures ??= [box.offsetWidth, box.offsetHeight];
      const [wide, high] = measures;
      const below = here.y + MANY + 2 * GAP;
      const top = below + high < size()[1] ? below : here.y - MANY - 2 * GAP - high;
      const left = Math.min(Math.max(here.x - wide / 2, GAP), size()[0] - wide - GAP);
      box.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(top, GAP))}px)`;
      if (open.fresh) box.querySelector('button').focus({ preventScroll: true });
      open.fresh = false;
    },
  };
}

/** What the lists say about places, as the server has written it. */
function placesIn() {
  const text = document.getElementById('places')?.dataset.places;
  return text ? JSON.parse(text) : { drivers: [], orders: [] };
}

// --- a pin: which address is this, and where is it ----------------------------------------------------------------------------

function pin(place, { gl, map }, send, known) {
  const [drop, panel] = [document.getElementById('pin-drop'), document.getElementById('pin')];
  const [address, position, copy] = ['pin-address', 'pin-position', 'pin-copy'].map((id) => document.getElementById(id));
  let marker;
  let asked = 0;
  const read = async () => {
    const { lat, lng } = marker.getLngLat().wrap();
    const text = `${lat.toFixed(6)}, ${lng.toFixed(6)}`;
    position.textContent = text;
    asked += 1;
    const mine = asked;
    address.textContent = known ? 'Looking for the address ...' : 'Without a map there are no addresses.';
    if (!known) return;
    const answer = await send(`/api/v1/geo/reverse?lat=${lat.toFixed(6)}&lon=${lng.toFixed(6)}`).catch(() => undefined);
    const found = answer?.ok ? (await answer.json()).features[0]?.properties.geocoding.label : undefined;
    // Another place may have been asked about meanwhile.
    if (mine === asked) address.textContent = found || (answer?.ok ? 'There is no address near here.' : 'The address could not be read.');
  };
  const at = (where) => {
    panel.hidden = false;
    if (!marker) {
      const dot = element('div', 'mark pin');
      dot.tabIndex = -1;
      dot.setAttribute('aria-label', 'The pin');
      marker = new gl.Marker({ element: dot, anchor: 'bottom', draggable: true }).setLngLat(where).addTo(map);
      marker.on('dragend', read);
    }
    marker.setLngLat(where);
    read();
  };
  drop.hidden = false;
  drop.addEventListener('click', () => at(map.getCenter()));
  map.on('contextmenu', (event) => { event.preventDefault(); at(event.lngLat); });
  document.getElementById('pin-away').addEventListener('click', () => { marker?.remove(); marker = undefined; panel.hidden = true; });
  copy.addEventListener('click', async () => {
    const text = `${address.textContent}\n${position.textContent}`;
    const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    // Without a secure address browsers have no clipboard: it is marked instead, to be copied by hand.
    if (!done) getSelection().selectAllChildren(document.getElementById('pin-text'));
    copy.textContent = done ? 'Copied' : 'Marked: copy it';
    setTimeout(() => { copy.textContent = 'Copy'; }, 2000);
  });
}
