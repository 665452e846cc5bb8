import { testFolder } from '../../../store/testing/folder.ts';
import type { RequestHistoryOptions } from '../history.ts';
import type { RequestTrace } from '../types.ts';
import { testHistory } from './history.ts';

/** A history in a folder of its own, with the events of requests as their callers name them. */
export function setUp(options: Partial<RequestHistoryOptions> = {}) {
  const folder = testFolder();
  let history = testHistory(folder, options);
  let submitted = 0;
  return {
    get history() {
      return history;
    },
    restart() {
      history.close();
      history = testHistory(folder, options);
    },
    arrive(id: string, change: Partial<Parameters<RequestTrace['arrived']>[0]> = {}) {
      const number = ++submitted;
      history.arrived({
        number,
        id,
        alias: 'app',
        kind: 'queue',
        method: 'POST',
        path: '/slow',
        submittedAt: 1_000,
        attempts: 0,
        ...change,
      });
    },
    begin(id: string, change: Partial<Parameters<RequestTrace['began']>[1]> = {}) {
      history.began(id, { runnerId: 'r-2', revision: 'r1', readyAt: 500, at: 3_000, ...change });
    },
    succeed(id: string, at = 4_000, status = 200) {
      history.answered(id, status);
      history.ended(id, at, null);
    },
  };
}
