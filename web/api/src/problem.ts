import type { components } from './schema.ts';

export type Problem = components['schemas']['Problem'];

/** What the API refused, and why (RFC 9457). */
export class ProblemError extends Error {
  readonly status: number;
  /** A stable word: docs/status-codes.md. */
  readonly code: string;
  readonly problem: Partial<Problem>;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.name = 'ProblemError';
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.problem = problem;
  }

  /** What is wrong with one field, by its JSON pointer. */
  of(pointer: string): string | undefined {
    return this.problem.errors?.find((error) => error.pointer === pointer)?.detail;
  }
}

/** The data of an answer; a refusal is thrown. */
export function unwrap<Data>(answer: { data?: Data; error?: unknown; response: Response }): Data {
  if (answer.error !== undefined || !answer.response.ok) {
    const body = answer.error;
    throw new ProblemError(answer.response.status, typeof body === 'object' && body !== null ? body : {});
  }
  return answer.data as Data;
}
