// Writes docs/reference/postman.json from the OpenAPI document: `node generate.mjs`, or `--check` that it is fresh.
//
// The conversion is openapi-to-postmanv2's. What is added here: the same text each time, ids of one request used by the next,
// optional parameters switched off, and a test on each request that its answer is one that the document names.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

import converter from 'openapi-to-postmanv2';

const source = new URL('../../docs/reference/openapi.json', import.meta.url);
const target = new URL('../../docs/reference/postman.json', import.meta.url);
const options = {
  folderStrategy: 'Tags',
  parametersResolution: 'Example',
  requestParametersResolution: 'Example',
  exampleParametersResolution: 'Example',
  includeAuthInfoInExample: false,
  optimizeConversion: true,
};

// What a folder needs is made by those before it; what ends sessions or changes who one is comes last.
const FIRST = ['shops', 'zones', 'vehicles', 'drivers', 'shifts', 'quotes', 'orders', 'packages', 'proofs'];
const LAST = ['users', 'second factor', 'keys', 'members', 'organizations', 'installation', 'authentication'];
const REMOVING = 'removing';
const METHODS = ['POST', 'PUT', 'GET', 'PATCH', 'DELETE'];

const rank = (name) => {
  const [first, last] = [FIRST.indexOf(name), LAST.indexOf(name)];
  if (name === REMOVING) return 999;
  return first >= 0 ? first : last >= 0 ? 1_000 + last : 500;
};

/** `/api/v1/orders/{id}/status` asks for an `order_id`. */
function variableOf(path, name) {
  if (name !== 'id') return name;
  const segments = path.split('/');
  const collection = segments[segments.indexOf('{id}') - 1] ?? 'thing';
  return `${collection.replace(/s$/, '').replaceAll('-', '_')}_id`;
}

/** Where an example names something by its id, what the requests before have made is named. */
function named(text, used) {
  return text.replace(/\b([a-z]+)_01h455vb4pex5vsknk084sn02q\b/g, (id, prefix) => {
    used.set(`${prefix}_id`, id);
    return `{{${prefix}_id}}`;
  });
}

function testOf(operation, path, method) {
  const documented = Object.keys(operation.responses).map(Number).filter(Number.isFinite);
  const lines = [
    `pm.test('an answer that the document names', () => pm.expect(pm.response.code).to.be.oneOf(${JSON.stringify(documented)}));`,
    `const json = (pm.response.headers.get('content-type') || '').includes('json');`,
    `pm.test('JSON is JSON', () => { if (json && pm.response.text()) pm.response.json(); });`,
  ];
  if (method === 'POST' && !path.includes('{') && path.startsWith('/api/v1/')) {
    const variable = variableOf(`${path}/{id}`, 'id');
    lines.push(`if (json && pm.response.code === 201) {`, `  const made = pm.response.json();`);
    lines.push(`  if (made.id) pm.collectionVariables.set('${variable}', made.id);`);
    lines.push(`  for (const name of ['tracking_code', 'tracking_number']) {`);
    lines.push(`    if (made[name]) pm.collectionVariables.set(name, made[name]);`, `  }`, `}`);
  }
  return lines;
}

function prepare(item, document, used) {
  const { request } = item;
  const path = `/${request.url.path.join('/')}`.replace(/:([a-z_]+)/g, '{$1}');
  const operation = document.paths[path]?.[request.method.toLowerCase()];
  assert.ok(operation, `${request.method} ${path} is not in the document`);
  for (const parameter of request.url.variable ?? []) {
    const name = variableOf(path, parameter.key);
    used.set(name, used.get(name) ?? String(parameter.value ?? ''));
    parameter.value = `{{${name}}}`;
    delete parameter.id;
  }
  const required = new Set((operation.parameters ?? []).filter((one) => one.required).map((one) => one.name));
  for (const query of request.url.query ?? []) query.disabled = !required.has(query.key);
  for (const header of request.header ?? []) {
    const plain = ['accept', 'content-type', 'if-match'].includes(header.key.toLowerCase());
    header.disabled = !plain && !required.has(header.key);
  }
  // Files have no example: whoever sends one chooses it.
  if (request.body?.raw && !operation.requestBody?.content?.['application/json']) request.body.raw = '';
  if (request.body?.raw) request.body.raw = named(request.body.raw, used);
  const anyone = operation['x-permission']?.roles?.includes('anonymous');
  request.auth = anyone ? { type: 'noauth' } : undefined;
  request.name = undefined;
  request.description = operation.description ?? '';
  const script = { type: 'text/javascript', exec: testOf(operation, path, request.method) };
  const name = `${operation.operationId}: ${operation.summary ?? ''}`;
  return { name, request, event: [{ listen: 'test', script }] };
}

function order(a, b) {
  const method = METHODS.indexOf(a.request.method) - METHODS.indexOf(b.request.method);
  const depth = a.request.url.path.length - b.request.url.path.length;
  return method || depth || (a.name < b.name ? -1 : 1);
}

export async function generate() {
  const document = JSON.parse(readFileSync(source, 'utf8'));
  const convert = promisify(converter.convertV2);
  const done = await convert({ type: 'json', data: structuredClone(document) }, options);
  assert.ok(done.result, done.reason);
  const used = new Map();
  // Pages are for browsers.
  const converted = done.output[0].data.item.filter((folder) => folder.name !== 'pages');
  const folders = converted.map((folder) => ({
    name: folder.name,
    item: (folder.item ?? [folder]).map((item) => prepare(item, document, used)).sort(order),
  }));
  // What others still need is removed after them.
  const removing = folders.filter((folder) => !LAST.includes(folder.name)).map((folder) => {
    const [kept, deleted] = [[], []];
    for (const item of folder.item) (item.request.method === 'DELETE' ? deleted : kept).push(item);
    folder.item = kept;
    return deleted;
  });
  folders.push({ name: REMOVING, item: removing.flat().sort(order) });
  folders.sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
  const variables = [['baseUrl', 'http://127.0.0.1:8080'], ['token', ''], ...used].map(([key, value]) => ({ key, value }));
  const collection = {
    info: {
      name: document.info.title,
      description: document.info.description,
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{token}}', type: 'string' }] },
    variable: variables,
    item: folders,
  };
  return `${JSON.stringify(collection, null, 1)}\n`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const text = await generate();
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
  } else if (readFileSync(target, 'utf8') !== text) {
    console.error('docs/reference/postman.json is not fresh: run script/bless');
    process.exitCode = 1;
  }
}
