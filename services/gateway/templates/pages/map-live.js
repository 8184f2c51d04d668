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
  const line = lines(drawn.map);
  const markers = new Map();
  let chosen;
  const ages = new Map();

  const put = (one, kind, label, text) => {
    if (!markers.has(one.id)) {
      const marker = markerOf(drawn, kind, one.at, label);
      const button = marker.getElement();
      // Whatever is on the map is in the lists as well: the tab key goes through those.
      if (kind !== 'courier') button.tabIndex = -1;
      button.addEventListener('click', (event) => { event.stopPropagation(); pick(one.id); });
      markers.set(one.id, marker);
    }
    describe(markers.get(one.id), label, text);
    markers.get(one.id).getElement().classList.toggle('picked', one.id === chosen);
    return markers.get(one.id);
  };
  const driver = (one) => {
    const age = one.age_s + (Date.now() - ages.get(one.id)) / 1000;
    const marker = put(one, 'courier', one.name, [one.name, one.availability, ...one.orders, ago(age)].join(', '));
    marker.getElement().classList.toggle('idle', !one.works);
    turn(marker, one.heading, age);
    return marker;
  };
  const link = () => {
    const order = told.orders.find((one) => one.id === chosen);
    const holder = told.drivers.find((one) => one.id === (order?.driver || chosen));
    const stops = order ? [holder?.at, order.at] : [];
    line(stops.every(Boolean) ? stops : []);
  };
  const update = () => {
    told = placesIn();
    const there = new Set();
    for (const one of told.drivers.filter((each) => each.at)) {
      there.add(one.id);
      ages.set(one.id, Date.now());
      glide(driver(one), one.at);
    }
    for (const one of told.orders.filter((each) => each.at)) {
      there.add(one.id);
      const marker = put(one, 'order', one.number, `${one.number}, ${one.status}, ${one.place}`).setLngLat(one.at);
      marker.getElement().classList.toggle('taken', Boolean(one.driver));
    }
    for (const [id, marker] of markers) if (!there.has(id)) { marker.remove(); markers.delete(id); }
    link();
    frame(all());
  };
  update();
  setInterval(() => told.drivers.filter((one) => one.at).forEach(driver), LOOK);
  pin(place, drawn, send, Boolean(known));
  return {
    update,
    /** A position that was told just now. */
    moved({ driver_id: id, position, heading_deg: heading }) {
      const one = told.drivers.find((each) => each.id === id);
      if (!one) return;
      Object.assign(one, { at: [position.lon, position.lat], heading, age_s: 0 });
      ages.set(id, Date.now());
      glide(driver(one), one.at);
      link();
    },
    /** Something was chosen in the lists, or nothing any more. */
    choose(id, move) {
      chosen = id;
      for (const [key, marker] of markers) marker.getElement().classList.toggle('picked', key === id);
      link();
      const where = markers.get(id)?.getLngLat();
      if (move && where && !drawn.map.getBounds().contains(where)) drawn.map.easeTo({ center: where });
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
