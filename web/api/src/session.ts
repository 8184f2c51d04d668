import type { Send } from './retry.ts';

/** Who calls. */
export interface Session {
  /** The access token, API key or device key of now. */
  token(): string | undefined;
  /** Gets a fresh access token after a 401; `undefined` when there is none. */
  refresh?(): Promise<string | undefined>;
}

/** Presents the token, and once a fresh one. Requests that fail together share one refresh. */
export function authorized(send: Send, session: Session): Send {
  let refreshing: Promise<string | undefined> | undefined;
  const refresh = () => {
    refreshing ??= Promise.resolve(session.refresh?.()).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };
  const present = (request: Request, token: string | undefined) => {
    const copy = request.clone();
    if (token) copy.headers.set('authorization', `Bearer ${token}`);
    return copy;
  };
  return async (request) => {
    if (request.headers.has('authorization')) return send(request);
    const token = session.token();
    const key = request.method === 'POST' ? (request.headers.get('idempotency-key') ?? crypto.randomUUID()) : undefined;
    if (key) request.headers.set('idempotency-key', key);
    const response = await send(present(request, token));
    if (response.status !== 401 || !session.refresh) return response;
    // Somebody else may have refreshed while this request was on its way.
    const current = session.token();
    const fresh = current !== token ? current : await refresh();
    if (!fresh) return response;
    await response.body?.cancel();
    return send(present(request, fresh));
  };
}
