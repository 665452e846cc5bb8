import { contain, type Report } from '../local/loop/contain.ts';
import type { Queue, RequestOutcome } from '../queue/types.ts';
import type { RequestHistory, TracedRequest } from '../telemetry/requests/types.ts';

export type WorkflowTrace = Pick<RequestHistory, 'arrived' | 'workflowBegan' | 'answered' | 'ended'>;

/** Reports requests of workflows to the history, as the fleet does with those of apps. Its errors end no request. */
export function createTraced(deps: {
  readonly trace: WorkflowTrace;
  readonly queue: Pick<Queue, 'number' | 'takeNumber'>;
  readonly clock: () => number;
  readonly report: Report;
}) {
  const { trace, queue, clock, report } = deps;
  const begin = contain(report, (request: Pick<TracedRequest, 'id' | 'alias' | 'kind' | 'path' | 'submittedAt'>) => {
    const number = (request.kind === 'queue' ? queue.number(request.id) : undefined) ?? queue.takeNumber();
    trace.arrived({ ...request, number, method: 'POST', attempts: 0 });
    trace.workflowBegan(request.id, clock());
  });
  const end = contain(report, (id: string, outcome: RequestOutcome) => {
    if (outcome.kind === 'response') trace.answered(id, outcome.response.status);
    trace.ended(id, clock(), outcome.kind === 'error' ? outcome.error : null);
  });
  return { begin, end };
}
