import type { Store } from '../store/open.ts';
import { bytes, checksum, DamagedRow, integer, parsed, text, whole } from '../store/rows.ts';
import { inputDocument, outcomeDocument, type StoredOutcome } from './documents.ts';
import type { RequestOutcome, SubmittedRequest } from './types.ts';

type Spec = Omit<SubmittedRequest, 'body'>;

const nothing = new Uint8Array();

/**
 * Reads and writes single rows of the input and result tables. Bodies may be large. Transactions belong to records.ts.
 */
export function bodyRows(store: Store) {
  return {
    putInput({ body, ...spec }: SubmittedRequest, seq: number): void {
      writeInput(seq, spec, body);
    },

    /** Deletes what the caller sent, and keeps the fact that there was a request. */
    clearInput(seq: number): void {
      const input = readInput(seq);
      if (!input) return;
      const { body: _, ...spec } = input;
      writeInput(seq, { ...spec, query: '' }, nothing);
    },

    input: readInput,

    putOutcome(outcome: RequestOutcome, seq: number): void {
      const body = outcome.kind === 'response' ? outcome.response.body : nothing;
      const stored: StoredOutcome =
        outcome.kind === 'error'
          ? outcome
          : { kind: 'response', response: { status: outcome.response.status, headers: outcome.response.headers } };
      const document = JSON.stringify(stored);
      store
        .sql('INSERT OR REPLACE INTO results (seq, outcome, body, check_sum) VALUES (?, ?, ?, ?)')
        .run(seq, document, body, checksum(document, body));
    },

    outcome(seq: number): RequestOutcome | undefined {
      const row = store.sql('SELECT outcome, body, check_sum FROM results WHERE seq = ?').get(seq);
      if (!row) return undefined;
      return whole(() => {
        const document = text(row, 'outcome');
        const body = bytes(row, 'body');
        if (checksum(document, body) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
        const stored = parsed(outcomeDocument, document);
        return stored.kind === 'error' ? stored : { kind: 'response', response: { ...stored.response, body } };
      });
    },
  };

  function writeInput(seq: number, spec: Spec, body: Uint8Array): void {
    const document = JSON.stringify(spec);
    store
      .sql('INSERT OR REPLACE INTO inputs (seq, spec, body, check_sum) VALUES (?, ?, ?, ?)')
      .run(seq, document, body, checksum(document, body));
  }

  function readInput(seq: number): SubmittedRequest | undefined {
    const row = store.sql('SELECT spec, body, check_sum FROM inputs WHERE seq = ?').get(seq);
    if (!row) return undefined;
    return whole(() => {
      const document = text(row, 'spec');
      const body = bytes(row, 'body');
      if (checksum(document, body) !== integer(row, 'check_sum')) throw new DamagedRow('the checksum differs');
      return { ...parsed(inputDocument, document), body };
    });
  }
}
