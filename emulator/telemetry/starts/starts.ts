import type { StartStep } from '../../wire/runner-start.ts';
import type { Mask } from '../masking/mask.ts';
import type { RunnerHistory } from '../runners.ts';

/** Adds the steps of starts to the runners' history. Hides secrets: an app chooses the names in them. */
export function createStartRecorder(history: Pick<RunnerHistory, 'step'>, mask: Mask) {
  return (runnerId: string, step: StartStep): void => history.step(runnerId, masked(step, mask));
}

function masked(step: StartStep, mask: Mask): StartStep {
  if (!('imports' in step)) return step;
  const modules = step.imports.modules.map((module) => ({ ...module, name: mask(module.name) }));
  return { ...step, imports: { ...step.imports, modules }, installed: step.installed.map((name) => mask(name)) };
}
