// Runs the collection with newman against an installation of its own, which it starts and stops.
//
// Every answer must be one that the document names; what the collection makes itself (a shop, an order, a vehicle ...) must
// succeed, so that a collection in which everything is refused does not pass.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import newman from 'newman';

const root = new URL('../..', import.meta.url).pathname;
const binary = process.env.DROPMATE_BINARY ?? join(root, 'target/up/dropmate');
const MUST_SUCCEED = [
  'create_shop', 'list_shops', 'create_zone', 'create_vehicle', 'create_shift', 'create_order', 'create_package', 'get_order', 'list_orders',
  'list_order_events', 'get_dispatch_policy', 'list_drivers', 'get_health', 'get_me',
];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** The lines of a command's output until one matches. */
async function lineOf(child, pattern) {
  let text = '';
  for await (const chunk of child.stdout) {
    text += chunk;
    const found = text.match(pattern);
    if (found) return found;
  }
  throw new Error(`${pattern} was never printed:\n${text}`);
}

async function ready(base) {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const answer = await fetch(`${base}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it is not ready');
}

async function becomeOwner(base, data) {
  const link = spawn(binary, ['owner-link', '--data-dir', data], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [, token] = await lineOf(link, /\/setup\/(\w+)/);
  const body = {
    token, organization: 'Bakery', time_zone: 'Europe/Berlin', currency: 'EUR', name: 'Ada Lovelace',
    email: 'ada@example.org', password: 'correct horse battery',
  };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${base}/api/v1/auth/first-run`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.clone().text());
  return (await answer.json()).access_token;
}

function run(base, token) {
  return new Promise((resolve, reject) => {
    const settings = {
      collection: join(root, 'docs/reference/postman.json'),
      envVar: [{ key: 'baseUrl', value: base }, { key: 'token', value: token }],
      reporters: [],
      // What stays connected is not waited for.
      timeoutRequest: 10_000,
    };
    newman.run(settings, (error, summary) => (error ? reject(error) : resolve(summary)));
  });
}

function judge(summary) {
  const { executions, failures } = summary.run;
  const name = (execution) => execution.item.name.split(':')[0];
  const streams = new Set(['stream_events', 'connect_realtime', 'get_websocket_probe']);
  const real = failures.filter((failure) => !streams.has(failure.source.name.split(':')[0]));
  for (const failure of real) console.error(`${failure.source.name}: ${failure.error.message}`);
  assert.equal(real.length, 0, `${real.length} answers are not what the document says`);
  const succeeded = new Set(executions.filter((one) => one.response?.code < 300).map(name));
  for (const operation of MUST_SUCCEED) assert.ok(succeeded.has(operation), `${operation} did not succeed`);
  console.log(`${executions.length} requests, ${succeeded.size} operations succeeded, 0 answers that the document does not name`);
}

assert.ok(existsSync(binary), `${binary} is not there: cargo build --profile up -p dropmate`);
const folder = mkdtempSync(join(process.env.DROPMATE_TEST_DIR ?? '/var/tmp', 'dropmate-postman-'));
// Its PostgreSQL may run as another account.
chmodSync(folder, 0o755);
const [data, log] = [join(folder, 'data'), join(folder, 'log')];
const port = await freePort();
const base = `http://127.0.0.1:${port}`;
const limits = { DROPMATE__LIMITS__ANONYMOUS_PER_MINUTE: '100000', DROPMATE__LIMITS__USER_PER_MINUTE: '100000' };
const server = spawn(binary, ['up', '--listen', `127.0.0.1:${port}`, '--data-dir', data], {
  stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')],
  env: { ...process.env, ...limits },
});
try {
  await ready(base);
  judge(await run(base, await becomeOwner(base, data)));
} catch (error) {
  console.error(readFileSync(log, 'utf8').split('\n').slice(-20).join('\n'));
  throw error;
} finally {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
}
