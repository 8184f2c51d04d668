// What the pages /sign-in, /live, /drive and /t/<code> do in a browser. The server renders; this signs in, fetches what was rendered
// anew when something has happened, and sends forms as the API takes them. The access token is kept in memory only.
'use strict';

const view = document.querySelector('[data-content]');
const publicTopics = document.body.dataset.follow;
const MANY = 20;
/** How long a form that was begun and left stays as it is, milliseconds. */
const KEPT = 120000;
/** How often the lists are fetched while positions come, milliseconds. */
const SEEN = 10000;
/** How often a customer's page without a living map is fetched anew, milliseconds. */
const ANEW = 15000;
let token;
let refreshing;

async function fresh() {
  // One refresh for all who wait: a refresh token works once.
  refreshing ??= fetch('/api/v1/auth/token/refresh', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}',
  }).then(async (answer) => {
    token = answer.ok ? (await answer.json()).access_token : undefined;
    return answer.status;
  }).finally(() => { refreshing = undefined; });
  return refreshing;
}

/** A request as who is signed in; without a session the person is asked to sign in. */
async function send(path, options = {}) {
  for (let attempt = 0; ; attempt += 1) {
    if (!token && await fresh() === 401) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
      return new Promise(() => {});
    }
    const headers = { ...options.headers, authorization: `Bearer ${token}` };
    const answer = await fetch(path, { ...options, headers });
    if (answer.status !== 401 || attempt > 0) return answer;
    token = undefined;
  }
}

async function problemOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const fields = (problem.errors || []).map((error) => `${error.pointer.slice(1)}: ${error.detail}`);
  return [problem.detail || `The server answered ${answer.status}.`, ...fields].join(' ');
}

function say(text) {
  const place = document.getElementById('notice');
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

// --- content that the server renders -------------------------------------------------------------------------------

let loading = false;
/** When what is shown was fetched, milliseconds. */
let loaded = 0;
let again = false;
let offline = false;
/** Whether a button is held down: what is under a finger stays there until it is lifted. */
let pressed = false;

/** Whether somebody types, or has begun to fill in a form that was not sent yet. */
function isBusy() {
  const typing = view.contains(document.activeElement) && /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
  const begun = [...view.querySelectorAll('form[data-begun]')].some((form) => Date.now() - Number(form.dataset.begun) < KEPT);
  return typing || begun;
}

function begin(event) {
  const form = event.target.closest('form');
  if (form && view?.contains(form)) form.dataset.begun = String(Date.now());
}

/** Puts a fresh rendering in place, but not under the hands of somebody who types. */
async function load() {
  if (loading) { again = true; return; }
  loading = true;
  try {
    const answer = await send(view.dataset.content);
    if (!answer.ok) { say(await problemOf(answer)); return; }
    const parsed = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (pressed) again = true;
    else if (!isBusy()) { view.replaceChildren(...parsed.body.children); mark(); drawLive(); }
    loaded = Date.now();
    if (offline) say('');
    offline = false;
    followDriver();
  } catch {
    offline = true;
    say('No connection. What you see may be old; this page goes on trying.');
  } finally {
    loading = false;
    if (again) { again = false; soon(); }
  }
}

/** A driver's page follows its driver, once it is known who that is. */
let followed = false;
function followDriver() {
  const driver = view.querySelector('[data-driver]')?.dataset.driver;
  if (!driver || followed) return;
  followed = true;
  follow(`driver:${driver}`, send, heard);
}

let timer;
function soon() {
  clearTimeout(timer);
  timer = setTimeout(load, 300);
}

// --- events -------------------------------------------------------------------------------------------------------------

const words = (subject) => subject.replace(/\.v\d+$/, '').replaceAll('.', ': ').replaceAll('_', ' ');

function note(message) {
  const list = document.getElementById('events');
  if (!list) return;
  const row = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date(message.occurred_at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const data = message.data || {};
  row.append(time, ` ${words(message.subject)} `, data.number || data.status || data.availability || data.kind || '');
  list.querySelector('.none')?.remove();
  list.prepend(row);
  while (list.children.length > MANY) list.lastElementChild.remove();
}

/** Server-sent events, read with fetch so that the token stays in a header. */
async function follow(topics, get, heard) {
  for (let tries = 0, last; ; ) {
    try {
      const headers = last ? { 'last-event-id': last } : {};
      const answer = await get(`/api/v1/stream?topics=${encodeURIComponent(topics)}`, { headers });
      if (!answer.ok) throw new Error(String(answer.status));
      let text = '';
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        tries = 0;
        text += part.value;
        const blocks = text.split('\n\n');
        text = blocks.pop();
        for (const block of blocks) {
          const id = /^id: ?(.*)$/m.exec(block);
          if (id) last = id[1];
          const data = /^data: ?(.*)$/m.exec(block);
          if (data) heard(JSON.parse(data[1]));
        }
      }
    } catch { /* it is tried again */ }
    tries += 1;
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** tries, 30000) * (0.5 + Math.random() / 2)));
  }
}

function heard(message) {
  if (message.type === 'event') note(message);
  if (message.type === 'position') {
    picture?.moved(message.data);
    // The lists say when somebody was last seen; that need not be told with every step.
    if (Date.now() - loaded < SEEN) return;
    loaded = Date.now();
  }
  if (['event', 'position', 'resync'].includes(message.type)) soon();
}

// --- maps --------------------------------------------------------------------------------------------------------------------

let picture;
let drawing = false;
/** How often a map is tried; a browser that cannot draw one does not learn it. */
let tries = 2;
let picked;

/** The map beside the lists, once they are there; without one they are as good as with it. */
async function drawLive() {
  const place = document.getElementById('place');
  if (!place || drawing) { picture?.update(); return; }
  drawing = true;
  try {
    const { live } = await import('/map-live.js');
    picture = await live(place, { send, pick: (id) => choose(id, true) });
    if (picked) picture.choose(picked, false);
  } catch {
    document.getElementById('place-gone').hidden = false;
    place.hidden = true;
    place.closest('.live').classList.add('bare');
  }
}

/** What was chosen stays chosen when the lists are fetched anew. */
function mark(show) {
  for (const button of document.querySelectorAll('[data-pick]')) {
    const chosen = button.dataset.pick === picked;
    button.setAttribute('aria-pressed', String(chosen));
    button.closest('tr')?.classList.toggle('picked', chosen);
    if (chosen && show) button.scrollIntoView({ block: 'nearest' });
  }
}

/** Chooses an order or a driver, in the lists and on the map; again: nothing. */
function choose(id, onMap) {
  picked = picked === id ? undefined : id;
  mark(onMap);
  picture?.choose(picked, !onMap);
}

/** The map of a customer's page: after its text, when the browser has nothing better to do, and not where data is dear. */
function drawTrack() {
  const place = document.getElementById('place');
  if (!place?.dataset.library || drawing || tries === 0 || navigator.connection?.saveData) return;
  drawing = true;
  const idle = window.requestIdleCallback || ((todo) => setTimeout(todo, 200));
  idle(async () => {
    // Whatever fails leaves the drawing that came with the page.
    picture = await import('/map.js').then(({ track }) => track(place)).catch(() => undefined);
    if (!picture) { drawing = false; tries -= 1; }
  });
}

/** Puts what was fetched in place of what is there; a map that is alive stays. */
function renew(parsed) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '');
  for (const part of parsed.querySelectorAll('[data-part]')) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!typing || part.dataset.part === 'head') old?.replaceWith(part);
  }
  const [old, fresh] = [document.getElementById('place'), parsed.getElementById('place')];
  if (fresh && old?.dataset.live !== undefined) return;
  if (old && !drawing) { if (fresh) old.replaceWith(fresh); else old.remove(); }
  else if (old && !fresh) { picture?.end(); old.remove(); }
  else if (!old && fresh) document.querySelector('[data-part="head"]').after(fresh);
  drawTrack();
}

// --- forms ---------------------------------------------------------------------------------------------------------------

/** Fields named a.b become objects; empty ones are left out. */
function bodyOf(form) {
  const body = {};
  for (const [name, value] of new FormData(form)) {
    if (value === '' || value instanceof File) continue;
    body[name] = form.elements[name].type === 'checkbox' ? true : value;
  }
  return body;
}

async function capture(form) {
  // Proof first, then the step that names it.
  const { status, outcome, failure_reason, ...proof } = bodyOf(form);
  if (proof.barcodes) proof.barcodes = proof.barcodes.split(/\s+/).filter(Boolean);
  const step = { status, at: new Date().toISOString() };
  if (status === 'delivered') step.outcome = outcome || 'delivered_to_recipient';
  if (status === 'failed') { step.outcome = outcome; step.failure_reason = failure_reason; }
  const picture = form.elements.photo?.files?.[0];
  const pad = form.querySelector('canvas.signature');
  const signed = pad?.dataset.drawn !== undefined;
  if (pad?.dataset.needed !== undefined && !signed) { say('The signature is missing.'); return false; }
  if (form.dataset.proof && (Object.keys(proof).length > 0 || picture || signed)) {
    const made = await post(form.dataset.proof, { ...proof, stop: form.dataset.stop }, `${form.dataset.key}p`);
    if (!made) return false;
    if (picture && !await put(`${form.dataset.proof}/${made.id}/photo`, picture)) return false;
    if (signed && !await put(`${form.dataset.proof}/${made.id}/signature`, await drawingOf(pad))) return false;
    step.proof_id = made.id;
  }
  return await post(form.action, step, form.dataset.key) !== undefined;
}

// --- a name that is drawn with a finger ---------------------------------------------------------------------------

function draw(event) {
  const pad = event.target;
  if (!(pad instanceof HTMLCanvasElement) || (event.type === 'pointermove' && event.buttons === 0)) return;
  const box = pad.getBoundingClientRect();
  const x = (event.clientX - box.left) * pad.width / box.width;
  const y = (event.clientY - box.top) * pad.height / box.height;
  const pen = pad.getContext('2d');
  if (event.type === 'pointerdown') {
    pad.setPointerCapture(event.pointerId);
    // A picture without a background would be black on black.
    if (pad.dataset.drawn === undefined) { pen.fillStyle = '#fff'; pen.fillRect(0, 0, pad.width, pad.height); }
    pen.strokeStyle = '#000';
    pen.lineWidth = 4;
    pen.lineCap = 'round';
    pen.beginPath();
    pen.moveTo(x, y);
  }
  pen.lineTo(x, y);
  pen.stroke();
  pad.dataset.drawn = '';
  begin(event);
}

function drawingOf(pad) {
  return new Promise((resolve) => pad.toBlob(resolve, 'image/png'));
}

async function post(path, body, key, method = 'POST') {
  const headers = { 'content-type': 'application/json' };
  if (method === 'POST') headers['idempotency-key'] = key;
  const answer = await send(path, { method, headers, body: JSON.stringify(body) });
  if (answer.ok) return answer.status === 204 ? {} : answer.json();
  say(await problemOf(answer));
  return undefined;
}

async function put(path, picture) {
  const answer = await send(path, { method: 'PUT', headers: { 'content-type': picture.type }, body: picture });
  if (!answer.ok) say(await problemOf(answer));
  return answer.ok;
}

async function submit(event) {
  const form = event.target;
  if (!form.dataset.kind) return;
  event.preventDefault();
  // The same key for the same form, however often it is sent.
  form.dataset.key ||= crypto.randomUUID();
  const button = event.submitter;
  if (button) button.disabled = true;
  say('');
  let sent = true;
  try {
    if (form.dataset.kind === 'sign-in') await signIn(form);
    else if (form.dataset.kind === 'step') sent = await capture(form);
    else sent = await post(form.action, bodyOf(form), form.dataset.key, form.dataset.method) !== undefined;
    // What was refused is decided: the next try is another one.
    if (!sent) delete form.dataset.key;
  } catch {
    sent = false;
    say('No connection. It was not sent; try again.');
  }
  if (sent) delete form.dataset.begun;
  if (button) button.disabled = false;
  document.activeElement?.blur?.();
  if (view) await load();
}

async function signIn(form) {
  const body = { ...bodyOf(form), client: 'browser' };
  const second = form.dataset.challenge;
  const path = second ? '/api/v1/auth/login/second-factor' : '/api/v1/auth/login';
  const sent = second ? { challenge: second, code: body.code, client: 'browser' } : body;
  if (!second) delete sent.code;
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) });
  if (answer.ok) {
    const { role } = await answer.json();
    const next = new URLSearchParams(location.search).get('next');
    const own = role === 'driver' ? '/drive' : '/live';
    location.assign(next && /^\/[a-z]/.test(next) ? next : own);
    return;
  }
  const problem = await answer.clone().json().catch(() => ({}));
  if (problem.code === 'second_factor_required') {
    form.dataset.challenge = problem.challenge;
    document.getElementById('code').hidden = false;
    form.elements.code.focus();
    return;
  }
  say(await problemOf(answer));
}

async function leave() {
  await send('/api/v1/auth/logout', { method: 'POST' });
  location.assign('/sign-in');
}

// --- the driver's position ---------------------------------------------------------------------------------------------

let watch;
let fixes = [];

function share(button) {
  if (watch !== undefined) {
    navigator.geolocation.clearWatch(watch);
    watch = undefined;
    button.textContent = 'Share my position';
    return;
  }
  button.textContent = 'Stop sharing my position';
  watch = navigator.geolocation.watchPosition(({ coords, timestamp }) => {
    const fix = { lat: coords.latitude, lon: coords.longitude, at: new Date(timestamp).toISOString(), accuracy_m: coords.accuracy, sequence: timestamp };
    if (coords.speed !== null) fix.speed_m_s = coords.speed;
    if (coords.heading !== null && !Number.isNaN(coords.heading)) fix.heading_deg = coords.heading;
    fixes.push(fix);
  }, (error) => say(`No position: ${error.message}`), { enableHighAccuracy: true });
}

/** Every five seconds, all at once; what could not be sent waits. */
async function report() {
  const driver = document.querySelector('[data-driver]')?.dataset.driver;
  if (!driver || fixes.length === 0) return;
  const sent = fixes.slice(0, 500);
  const options = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) };
  const answer = await send(`/api/v1/drivers/${driver}/location`, options).catch(() => undefined);
  if (answer?.ok) fixes = fixes.slice(sent.length);
}

// --- start ---------------------------------------------------------------------------------------------------------------

document.addEventListener('submit', submit);
document.addEventListener('input', begin);
document.addEventListener('pointerdown', (event) => { pressed = true; draw(event); });
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => { pressed = false; });
document.addEventListener('pointermove', draw);
document.addEventListener('click', (event) => {
  const does = event.target.closest('[data-does]')?.dataset.does;
  if (does === 'sign-out') leave();
  if (does === 'share') share(event.target);
  const row = event.target.closest('tr');
  const pick = event.target.closest('[data-pick]') || (!event.target.closest('a') && row?.querySelector('[data-pick]'));
  if (pick) choose(pick.dataset.pick, false);
});
if (view) {
  load();
  setInterval(load, 30000);
  setInterval(report, 5000);
  if (view.dataset.topics) follow(view.dataset.topics, send, heard);
}
if (publicTopics) {
  let reload;
  const fetchAnew = async () => {
    const answer = await fetch(location.pathname).catch(() => undefined);
    if (answer?.ok) renew(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  };
  follow(publicTopics, (path, options) => fetch(path, options), (message) => {
    if (!['event', 'resync'].includes(message.type)) return;
    clearTimeout(reload);
    reload = setTimeout(fetchAnew, 500);
  });
  drawTrack();
  // Positions are not told to customers: where the courier is, is asked; by the map itself once it lives.
  setInterval(() => { if (!document.hidden && document.getElementById('place') && !picture) fetchAnew(); }, ANEW);
}
