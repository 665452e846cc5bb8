export type RefusalReason = 'bad_request' | 'not_found' | 'too_large' | 'full';

/** A request that storage refuses, with a sentence for the caller. Only `edge/` turns it into a status. */
export class Refusal extends Error {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = 'Refusal';
    this.reason = reason;
  }
}
