import { jsonAnswer } from '../exchange/answers.ts';
import { contain, type Report } from '../local/loop/contain.ts';
import type { RunnerId } from '../scheduler/types.ts';
import { type GpuFault, gpuFaults } from '../wire/gpu-faults.ts';
import type { Attempts } from './requests/attempts.ts';
import type { GpuLedger } from './runners/gpu-ledger.ts';
import type { Runners } from './runners/runners.ts';
import type { Fleet } from './types.ts';

/**
 * Rehearses faults of GPUs. A real one reaches the caller as the SDK's answer with 503, which ends the runner
 * (docs/platform/runners.md#retries), so that is what the scheduler is given; a runner without a request can't answer,
 * and is ended.
 */
export function createGpuFaults(deps: {
  readonly gpus: Pick<GpuLedger, 'gpus' | 'holders'>;
  readonly runners: Pick<Runners, 'blame' | 'kill'>;
  readonly attempts: Pick<Attempts, 'answerAll'>;
  readonly report: Report;
}): Pick<Fleet, 'failGpu'> {
  const { gpus, runners, attempts, report } = deps;
  const fail = contain(report, (id: RunnerId, reason: string, fault: GpuFault) => {
    runners.blame(id, reason);
    if (!attempts.answerAll(id, jsonAnswer(503, { detail: gpuFaults[fault] }))) runners.kill(id);
  });
  return {
    failGpu(uuid, fault) {
      const gpu = gpus.gpus().find((one) => one.uuid === uuid);
      const ids = gpus.holders(uuid);
      const reason = `GPU ${gpu?.index} had the fault "${gpuFaults[fault]}", which \`minifal gpu fault\` asked for.`;
      for (const id of ids) fail(id, reason, fault);
      return ids;
    },
  };
}
