import type { StartStep } from '../../wire/runner-start.ts';

/** The step of this name, if the start has reached it. */
export function stepOf<S extends StartStep['step']>(
  steps: readonly StartStep[],
  name: S,
): Extract<StartStep, { step: S }> | undefined {
  return steps.find((step): step is Extract<StartStep, { step: S }> => step.step === name);
}
