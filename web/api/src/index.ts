/**
 * The client of DropMate's API. Paths, parameters, bodies and answers are typed by the OpenAPI document; what this adds is
 * what every client has to do:
 *
 * - each POST carries an `Idempotency-Key`, so that sending it again does nothing twice;
 * - what is safe to send again is sent again after 429, 503 and broken connections, when `Retry-After` says so;
 * - a 401 asks once for a fresh access token, for all requests that wait.
 */
import createFetchClient, { type Client, type ClientOptions } from 'openapi-fetch';

import { type Pause, retrying } from './retry.ts';
import type { components, paths } from './schema.ts';
import { type Session, authorized } from './session.ts';

export { ProblemError, unwrap } from './problem.ts';
export type { Session } from './session.ts';
export type Schemas = components['schemas'];
export type DropMate = Client<paths>;

export interface Options {
  /** Of the installation, without a path: `https://deliveries.example.org`. */
  baseUrl: string;
  /** Who calls; nobody, when left out. */
  session?: Session;
  /** Sends requests; the platform's own when left out. */
  fetch?: (request: Request) => Promise<Response>;
  /** Waits between tries; tests do not. */
  pause?: Pause;
  /** How often a request is sent at most. */
  tries?: number;
}

export function createDropMate(options: Options): DropMate {
  const send = options.fetch ?? ((request: Request) => fetch(request));
  const patient = retrying(send, options);
  const clientOptions: ClientOptions = {
    baseUrl: options.baseUrl,
    fetch: options.session ? authorized(patient, options.session) : patient,
  };
  return createFetchClient<paths>(clientOptions);
}
