// What draws maps, and the map of a customer's page (/t/<code>). app.js loads it after the page is there, where there are streets
// to be drawn; the library comes from this installation, in the version that the page names. Whatever goes wrong here, the page
// stays as the server has rendered it.
const still = matchMedia('(prefers-reduced-motion: reduce)');
const dark = matchMedia('(prefers-color-scheme: dark)');
/** How often is asked where a courier is, and ages are written anew, milliseconds. */
export const LOOK = 5000;
/** How long a map may take to be drawn for the first time, milliseconds. */
const PATIENCE = 30000;
/** From when on a position is shown as old, seconds. */
const OLD = 90;
/** How long a courier takes to be drawn from one place to the next, milliseconds. */
const GLIDE = 900;
/** Farther than this nobody moves between two positions: it is drawn at once, degrees. */
const JUMP = 0.02;
/** What stays free around what is shown, for marks and their names, pixels. */
const EDGES = { top: 52, bottom: 44, left: 56, right: 56 };
const POINTER = 'M12 2 5 20l7-4 7 4z';

/** How long ago, as the pages say it. */
export function ago(seconds) {
  if (seconds < 5) return 'just now';
  if (seconds < 120) return `${Math.round(seconds)} s ago`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}

export function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function sheet(address) {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href: address, onload: resolve, onerror: reject });
    document.head.append(link);
  });
}

/** Styles name the public address; whoever came another way (by a local name) asks there as well. */
function here(url) {
  const { pathname, search } = new URL(url, location.href);
  return { url: `${location.origin}${pathname}${search}` };
}

function styleOf(near) {
  const around = near ? `?lat=${near[1].toFixed(4)}&lon=${near[0].toFixed(4)}` : '';
  return `/api/v1/map/styles/${dark.matches ? 'dark' : 'light'}${around}`;
}

/** A map in this place; fails where the browser cannot draw one. */
export async function draw(place, bounds) {
  const library = place.dataset.library;
  const [gl] = await Promise.all([import(`${library}maplibre-gl.mjs`), sheet(`${library}maplibre-gl.css`)]);
  // The library asks for its worker with a query of its own, which no address here has.
  gl.setWorkerUrl(new URL(`${library}maplibre-gl-worker.mjs`, location.href).href);
  const middle = [(bounds[0][0] + bounds[1][0]) / 2, (bounds[0][1] + bounds[1][1]) / 2];
  const container = element('div', 'map');
  place.append(container);
  let map;
  try {
    map = new gl.Map({
      container, bounds, style: styleOf(middle), transformRequest: here, attributionControl: false, fadeDuration: 0,
      fitBoundsOptions: { padding: EDGES, maxZoom: 16 }, maxZoom: 19, dragRotate: false, pitchWithRotate: false, touchPitch: false,
      // A page is scrolled with one finger; the map in it is moved with two.
      cooperativeGestures: place.dataset.map === 'track',
    });
    await new Promise((resolve, reject) => {
      let styled = false;
      map.once('style.load', () => { styled = true; });
      map.once('load', resolve);
      // Without a style there is nothing; a tile that does not come afterwards leaves a hole.
      map.on('error', ({ error }) => { if (!styled) reject(error); });
      setTimeout(reject, PATIENCE, new Error('the map does not come'));
    });
  } catch (error) {
    map?.remove();
    container.remove();
    throw error;
  }
  map.touchZoomRotate.disableRotation();
  map.addControl(new gl.AttributionControl({ compact: false }), 'bottom-right');
  map.addControl(new gl.NavigationControl({ showCompass: false }), 'top-right');
  // Whole, not by its differences: those would take away the lines of this page.
  dark.addEventListener('change', () => map.setStyle(styleOf(middle), { diff: false }));
  place.dataset.live = '';
  return { gl, map };
}

/** A button on the map that stands for somebody or something. */
export function markerOf({ gl, map }, kind, at, label) {
  const button = element('button', `mark ${kind}`);
  button.type = 'button';
  if (kind === 'courier') {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', POINTER);
    svg.append(path);
    button.append(svg);
  }
  button.append(element('span', 'mark-name', label));
  const marker = new gl.Marker({ element: button, anchor: kind === 'courier' ? 'center' : 'bottom' });
  return marker.setLngLat(at).addTo(map);
}

export function describe(marker, label, text) {
  const button = marker.getElement();
  const name = button.querySelector('.mark-name');
  if (name.textContent !== label) name.textContent = label;
  button.setAttribute('aria-label', text);
  button.title = text;
}

export function turn(marker, heading, age) {
  const button = marker.getElement();
  button.classList.toggle('headed', typeof heading === 'number');
  button.classList.toggle('old', age > OLD);
  if (typeof heading === 'number') button.style.setProperty('--heading', `${heading}deg`);
}

/** Moves there in a second, so that the eye can follow; `stepped` is told of each step. */
export function glide(marker, to, stepped = () => {}) {
  const from = marker.getLngLat().toArray();
  const [east, north] = [to[0] - from[0], to[1] - from[1]];
  const run = (marker.run || 0) + 1;
  marker.run = run;
  if (still.matches || document.hidden || Math.hypot(east, north) > JUMP) { marker.setLngLat(to); stepped(); return; }
  const begun = performance.now();
  const step = (now) => {
    if (marker.run !== run) return;
    const part = Math.max(0, Math.min(1, (now - begun) / GLIDE));
    marker.setLngLat([from[0] + east * part, from[1] + north * part]);
    stepped();
    if (part < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

/** The smallest box around places. */
export function around(places) {
  const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)];
  return [[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]];
}

/** A line that stays through a change of style; dotted where it is `straight` and no way that anybody goes. */
export function lines(map) {
  let data = { type: 'FeatureCollection', features: [] };
  const add = () => {
    if (map.getSource('way')) return;
    // Beyond the imported area there is nothing: it is as quiet as the page.
    map.setPaintProperty('background', 'background-color', dark.matches ? '#161c24' : '#e4e9ee');
    map.addSource('way', { type: 'geojson', data });
    const layout = { 'line-cap': 'round', 'line-join': 'round' };
    const [line, casing] = dark.matches ? ['#6fb0ff', '#0d1116'] : ['#0b63ce', '#ffffff'];
    map.addLayer({ id: 'way-casing', type: 'line', source: 'way', layout, paint: { 'line-color': casing, 'line-width': 7, 'line-opacity': 0.8 } });
    map.addLayer({ id: 'way', type: 'line', source: 'way', layout, filter: ['!', ['get', 'straight']], paint: { 'line-color': line, 'line-width': 4 } });
    map.addLayer({ id: 'way-straight', type: 'line', source: 'way', layout, filter: ['get', 'straight'], paint: { 'line-color': line, 'line-width': 3, 'line-dasharray': [0.1, 2] } });
  };
  map.on('style.load', add);
  add();
  return (coordinates, straight = false) => {
    const features = coordinates.length > 1 ? [{ type: 'Feature', properties: { straight }, geometry: { type: 'LineString', coordinates } }] : [];
    data = { type: 'FeatureCollection', features };
    map.getSource('way')?.setData(data);
  };
}

/** Shows everything, and moves when something is out of sight, until somebody moves the map; a button brings that back. */
export function framing(place, map) {
  let moved = false;
  let shown;
  const button = element('button', 'plain fit', 'Show everything');
  button.type = 'button';
  button.hidden = true;
  place.append(button);
  const fit = () => shown.length > 0 && map.fitBounds(around(shown), { padding: EDGES, maxZoom: 16, duration: still.matches ? 0 : 600 });
  map.on('movestart', (event) => { if (event.originalEvent) { moved = true; button.hidden = false; } });
  button.addEventListener('click', () => { moved = false; button.hidden = true; fit(); });
  /** `marks` have to be seen; `more` is shown when there is a reason to move the map. */
  return (marks, more = []) => {
    const first = shown === undefined;
    shown = [...marks, ...more];
    if (marks.length > 0 && !moved && (first || marks.some((at) => !map.getBounds().contains(at)))) fit();
  };
}

// --- the page of a customer ----------------------------------------------------------------------------------------------

const NAMES = { courier: 'Courier', pickup: 'Pick-up', dropoff: 'You' };
const TOLD = { pickup: 'It is picked up here', dropoff: 'It is brought here' };

/** The map of one delivery. Ends by itself when nothing more is to come. */
export async function track(place) {
  const address = `/api/v1/track/${place.dataset.code}/map`;
  const read = async () => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const at = ({ lat, lon }) => [lon, lat];
  const placesOf = (told) => ['pickup', 'dropoff', 'courier'].filter((kind) => told[kind]).map((kind) => [kind, at(told[kind])]);
  const first = await read();
  if (placesOf(first).length === 0) return undefined;
  const drawn = await draw(place, around([...placesOf(first).map(([, where]) => where), ...(first.way?.line || [])]));
  const line = lines(drawn.map);
  const frame = framing(place, drawn.map);
  const markers = new Map();
  const show = (told) => {
    const places = placesOf(told);
    for (const [kind, marker] of markers) if (!told[kind]) { marker.remove(); markers.delete(kind); }
    for (const [kind, where] of places) {
      if (!markers.has(kind)) markers.set(kind, markerOf(drawn, kind, where, NAMES[kind]));
      const marker = markers.get(kind);
      if (kind === 'courier') {
        glide(marker, where);
        turn(marker, told.courier.heading_deg, told.courier.age_s);
        describe(marker, NAMES.courier, `Your courier, ${ago(told.courier.age_s)}`);
      } else {
        marker.setLngLat(where);
        describe(marker, NAMES[kind], TOLD[kind]);
      }
    }
    line(told.way?.line || [], told.way?.source === 'straight_line');
    frame(places.map(([, where]) => where), told.way?.line);
    const seen = document.querySelector('[data-seen]');
    if (seen && told.courier) seen.textContent = `The courier's position was reported ${ago(told.courier.age_s)}.`;
  };
  show(first);
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const told = await read().catch(() => undefined);
    if (told && placesOf(told).length > 0) show(told);
  }, LOOK);
  return { end() { clearInterval(timer); drawn.map.remove(); } };
}
