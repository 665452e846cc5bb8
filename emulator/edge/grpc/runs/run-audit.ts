import { randomUUID } from 'node:crypto';
import { type Copied, type CopiedAnswer, maxAnswer } from '../../../exchange/copies.ts';
import type { Sink } from '../../../exchange/direct.ts';
import { oneRunner } from '../../../fleet/requests/function-runs.ts';
import { directInfo } from '../../../fleet/requests/leases.ts';
import type { Launch } from '../../../fleet/types.ts';
import type { RevisionSettings, ScaleSettings } from '../../../scheduler/types.ts';
import { auditAlias } from '../../../wire/audit-alias.ts';
import type { ReloadAudit } from '../../../wire/reload.ts';
import { describeAudit } from '../../runs/audit-words.ts';
import { compareAnswers } from '../../runs/compare-answers.ts';
import type { GrpcRooms } from '../deps.ts';

/** It ends when its app is removed. */
const scale: ScaleSettings = { ...oneRunner, keepAliveSeconds: 60 };

/** How long a fresh runner may take to start and to answer, beyond which nobody waits for the result. */
const maxAuditMs = 3600_000;

export interface Audits {
  /**
   * The app's runners have the code of `launch` from now on: its next request is answered by a fresh runner, too, and
   * `report` gets the comparison. Ends an earlier audit.
   */
  begin(launch: Launch, settings: RevisionSettings, report: (found: ReloadAudit) => void): void;
  /** Ends what is under way, without a report. */
  cancel(): void;
}

/**
 * Audits of one run. The fresh runner is that of an app of its own, which has no route: nobody else can call it, and
 * the scheduler treats it like every other.
 */
export function createAudits(
  rooms: Pick<GrpcRooms, 'fleet' | 'calls' | 'copies' | 'clock'>,
  alias: string,
  signal: AbortSignal,
): Audits {
  let current = new AbortController();

  function cancel(): void {
    current.abort();
  }
  signal.addEventListener('abort', cancel, { once: true });

  async function ask(copied: Copied, launch: Launch, settings: RevisionSettings, gone: AbortSignal) {
    const id = randomUUID();
    const audit = auditAlias(alias, id.slice(0, 8));
    // The bytes of the code stay with the run, which starts more runners of it.
    const { development: _, release: __, ...plain } = launch;
    const failed = new AbortController();
    let why: string | undefined;
    const unwatch = rooms.fleet.watchRunners(audit, ({ state, reason }) => {
      if (state !== 'failureDelay' && state !== 'terminated') return;
      why ??= reason;
      failed.abort(); // a second try would be one of the same code
    });
    try {
      await rooms.fleet.deploy({ alias: audit, revision: id, scale, settings, strategy: 'recreate' }, plain);
      const { method, path, query, headers, body } = copied;
      const about = { channel: 'direct', submittedAt: rooms.clock(), startBy: null, hint: null } as const;
      const info = directInfo({ id, alias: audit, method, path, ...about, isUnlisted: true });
      const own = headers.map(([name, value]) => [name, name === 'x-fal-request-id' ? id : value] as const);
      const given = createCollector();
      const sent = body.length === 0 ? { kind: 'none' as const } : { kind: 'bytes' as const, bytes: body };
      const call = { info, method, path, query, headers: own, body: sent };
      await rooms.calls.call(call, given.sink, AbortSignal.any([gone, failed.signal, given.enough]));
      return given.answer() ?? { failed: why ?? 'it did not answer in time' };
    } finally {
      unwatch();
      rooms.fleet.removeAlias(audit);
    }
  }

  return {
    begin(launch, settings, report) {
      cancel();
      const mine = new AbortController();
      current = mine;
      const forget = rooms.copies.next(alias, (copied) => {
        const gone = AbortSignal.any([mine.signal, AbortSignal.timeout(maxAuditMs)]);
        ask(copied, launch, settings, gone)
          .catch((error: unknown) => ({ failed: error instanceof Error ? error.message : String(error) }))
          .then((answer) => {
            if (mine.signal.aborted) return;
            const asked = `${copied.method} ${copied.path}`;
            report(describeAudit(asked, 'failed' in answer ? answer : compareAnswers(copied.answer, answer)));
          });
      });
      mine.signal.addEventListener('abort', forget, { once: true });
    },
    cancel,
  };
}

/** `enough`: no more of the answer is needed. */
function createCollector(): {
  readonly sink: Sink;
  readonly enough: AbortSignal;
  answer(): CopiedAnswer | { readonly failed: string } | undefined;
} {
  const parts: Buffer[] = [];
  const enough = new AbortController();
  let size = 0;
  let head: { readonly status: number; readonly contentType: string } | undefined;
  let isWhole = false;
  let failed: string | undefined;
  return {
    sink: {
      start(status, headers) {
        head = { status, contentType: headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '' };
      },
      write(chunk) {
        size += chunk.length;
        if (size <= maxAnswer) parts.push(Buffer.from(chunk));
        else {
          // The answer that it is compared with is smaller; this one may have no end.
          failed ??= `its answer is larger than ${maxAnswer >> 20} MiB`;
          parts.length = 0;
          enough.abort();
        }
        return undefined;
      },
      end() {
        isWhole = true;
      },
      refuse: ({ status }) => {
        failed = `the platform answered with ${status}`;
      },
      cut: () => {
        failed ??= 'its answer broke off';
      },
    },
    enough: enough.signal,
    answer: () =>
      failed !== undefined ? { failed } : head && isWhole ? { ...head, body: Buffer.concat(parts) } : undefined,
  };
}
