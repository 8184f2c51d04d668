/** Sends a request. */
export type Send = (request: Request) => Promise<Response>;
/** Waits so many milliseconds. */
export type Pause = (ms: number) => Promise<void>;

const TRIES = 4;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

const sleep: Pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** With the same method, body and key a second request has no second effect. */
function isSafe(request: Request): boolean {
  return request.method !== 'PATCH' || request.headers.has('if-match');
}

function isTemporary(response: Response): boolean {
  return response.status === 429 || response.status === 503;
}

/** `Retry-After` in seconds or as a date; otherwise doubling, with jitter so that clients do not come back together. */
function pauseBefore(attempt: number, response?: Response): number {
  const header = response?.headers.get('retry-after');
  if (header) {
    const seconds = Number(header);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
    if (Number.isFinite(ms)) return Math.min(Math.max(ms, 0), LONGEST_PAUSE_MS);
  }
  const doubled = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
  return doubled * (0.5 + Math.random() / 2);
}

/** Sends again what may be sent again. */
export function retrying(send: Send, options: { pause?: Pause; tries?: number }): Send {
  const pause = options.pause ?? sleep;
  const tries = options.tries ?? TRIES;
  return async (request) => {
    if (request.method === 'POST' && !request.headers.has('idempotency-key')) {
      request.headers.set('idempotency-key', crypto.randomUUID());
    }
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt + 1 >= tries || !isSafe(request);
      let response: Response | undefined;
      try {
        response = await send(request.clone());
        if (last || !isTemporary(response)) return response;
        await response.body?.cancel();
      } catch (error) {
        if (last || request.signal.aborted) throw error;
      }
      await pause(pauseBefore(attempt, response));
    }
  };
}
