/** Which GPUs a runner of a GPU machine type can get. `any`: whatever there is; `strict`: only those of that type. */
export const gpuMappingModes = ['any', 'strict'] as const;
export type GpuMappingMode = (typeof gpuMappingModes)[number];
