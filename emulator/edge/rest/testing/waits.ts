import type { Reason } from '../../../scheduler/types.ts';

/** A reason of the scheduler that nothing distinguishes but its numbers: "Attempt N begins in …: ID." */
export function waits(id: string, attempt = 1): Reason {
  return {
    code: 'retry_delay',
    numbers: { attempt },
    since: null,
    until: null,
    evidence: id,
    action: null,
    also: null,
  };
}
