import type { Response } from 'express';

/** Fires when the reader has left, or when the answer is complete. */
export function whenGone(response: Response): AbortSignal {
  const leave = new AbortController();
  response.once('close', () => leave.abort());
  return leave.signal;
}
