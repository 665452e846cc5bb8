import type { Gpu } from './gpu.ts';

/** How nvidia-smi and `--gpus` name the GPUs of each machine type. A card for laptops has less than its namesake. */
const models: { readonly [machineType: string]: RegExp } = {
  'GPU-RTX4090': /\bRTX ?4090\b(?! (?:D|Laptop))/i,
  'GPU-RTX5090': /\bRTX ?5090\b(?! (?:D|Laptop))/i,
  'GPU-A100': /\bA100\b/,
  'GPU-L40': /\bL40\b/,
  'GPU-H100': /\bH100\b/,
  'GPU-H200': /\bH200\b/,
  'GPU-B200': /\bB200\b/,
  'GPU-B300': /\bB300\b/,
  'GPU-A6000': /\bA6000\b/,
  'GPU-T4': /\bT4\b/,
};

/** Between the two sizes of an A100, in MiB. */
const largeA100 = 60 * 1024;

/** The machine types whose GPU this is. A part of a GPU (MIG) is a GPU, but none of a model. Pure. */
export function machineTypesOf({ name, memoryMib }: Pick<Gpu, 'name' | 'memoryMib'>): readonly string[] {
  if (/\bMIG\b/.test(name)) return ['GPU'];
  const found = Object.keys(models).filter((type) => models[type]?.test(name));
  const sizes =
    found.includes('GPU-A100') && memoryMib !== undefined ? [`GPU-A100-${memoryMib < largeA100 ? 40 : 80}GB`] : [];
  return [...found, ...sizes, 'GPU'];
}
