import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ProblemError, createDropMate, unwrap } from '../src/index.ts';

const baseUrl = 'http://dropmate.test';

/** Answers in turn, and keeps what was asked. */
function server(...answers: (Response | Error)[]) {
  const asked: Request[] = [];
  const pauses: number[] = [];
  return {
    asked,
    pauses,
    fetch: async (request: Request) => {
      asked.push(request.clone());
      const answer = answers.shift();
      if (!answer) throw new Error('asked too often');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pause: async (ms: number) => {
      pauses.push(ms);
    },
  };
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { status, code, detail: 'No.', errors: [{ pointer: '/name', detail: 'is empty' }] }, headers);

test('a typed read', async () => {
  const far = server(json(200, { items: [{ id: 'order_1' }], next_cursor: null }));
  const api = createDropMate({ baseUrl, fetch: far.fetch, session: { token: () => 'secret' } });
  const orders = unwrap(await api.GET('/api/v1/orders', { params: { query: { limit: 10 } } }));
  assert.equal(orders.items[0]?.id, 'order_1');
  assert.equal(far.asked[0]?.url, `${baseUrl}/api/v1/orders?limit=10`);
  assert.equal(far.asked[0]?.headers.get('authorization'), 'Bearer secret');
});

test('a write is sent again with the same key and body', async () => {
  const far = server(new TypeError('broken'), problem(503, 'unavailable', { 'retry-after': '2' }), json(201, { id: 'shop_1' }));
  const api = createDropMate({ baseUrl, fetch: far.fetch, pause: far.pause });
  const body = { name: 'Kitchen' } as never;
  unwrap(await api.POST('/api/v1/shops', { body }));
  const keys = new Set(far.asked.map((request) => request.headers.get('idempotency-key')));
  assert.equal(far.asked.length, 3);
  assert.equal(keys.size, 1);
  assert.ok(!keys.has(null));
  const bodies = await Promise.all(far.asked.map((request) => request.text()));
  assert.deepEqual(new Set(bodies), new Set(['{"name":"Kitchen"}']));
  assert.equal(far.pauses[1], 2000);
});

test('two writes have two keys', async () => {
  const far = server(json(201, {}), json(201, {}));
  const api = createDropMate({ baseUrl, fetch: far.fetch });
  await api.POST('/api/v1/shops', { body: {} as never });
  await api.POST('/api/v1/shops', { body: {} as never });
  const keys = far.asked.map((request) => request.headers.get('idempotency-key'));
  assert.notEqual(keys[0], keys[1]);
});

test('a decided answer is not asked for again, and is thrown with its code', async () => {
  const far = server(problem(422, 'invalid'));
  const api = createDropMate({ baseUrl, fetch: far.fetch, pause: far.pause });
  const answer = await api.POST('/api/v1/shops', { body: {} as never });
  assert.throws(
    () => unwrap(answer),
    (error) => error instanceof ProblemError && error.code === 'invalid' && error.of('/name') === 'is empty',
  );
  assert.equal(far.asked.length, 1);
});

test('after some tries the last answer is given', async () => {
  const far = server(problem(503, 'unavailable'), problem(503, 'unavailable'));
  const api = createDropMate({ baseUrl, fetch: far.fetch, pause: far.pause, tries: 2 });
  const answer = await api.GET('/api/v1/orders');
  assert.equal(answer.response.status, 503);
  assert.equal(far.pauses.length, 1);
});

test('requests that end together share one fresh token', async () => {
  let token = 'old';
  let refreshed = 0;
  const fetch = async (request: Request) =>
    request.headers.get('authorization') === 'Bearer new' ? json(200, { items: [] }) : problem(401, 'unauthenticated');
  const session = {
    token: () => token,
    refresh: async () => {
      refreshed += 1;
      await Promise.resolve();
      token = 'new';
      return token;
    },
  };
  const api = createDropMate({ baseUrl, fetch, session });
  const answers = await Promise.all([api.GET('/api/v1/orders'), api.GET('/api/v1/drivers'), api.GET('/api/v1/shops')]);
  assert.deepEqual(answers.map((answer) => answer.response.status), [200, 200, 200]);
  assert.equal(refreshed, 1);
});

test('without a fresh token the refusal stands', async () => {
  const far = server(problem(401, 'unauthenticated'));
  const session = { token: () => 'old', refresh: async () => undefined };
  const api = createDropMate({ baseUrl, fetch: far.fetch, session });
  assert.equal((await api.GET('/api/v1/orders')).response.status, 401);
});
