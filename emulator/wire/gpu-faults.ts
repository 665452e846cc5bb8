import * as z from 'zod';

/** Faults of a GPU that can be rehearsed, and what the SDK answers with status 503 when its app meets one. */
export const gpuFaults: { readonly [kind in GpuFault]: string } = {
  'out-of-memory': 'CUDA error: out of memory',
  error: 'GPU error',
};
export const gpuFaultKinds = ['out-of-memory', 'error'] as const;
export type GpuFault = (typeof gpuFaultKinds)[number];

/** The body of `POST /minifal/gpus/NUMBER/fault`. */
export const gpuFaultSchema = z.object({ kind: z.enum(gpuFaultKinds).default('out-of-memory') });

/** Its answer: the runners that had the GPU. */
export const gpuFaultAnswer = z.object({ runners: z.array(z.object({ id: z.string(), alias: z.string() })) });
