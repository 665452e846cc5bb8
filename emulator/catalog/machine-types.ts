/**
 * The platform's closed list (documentation: machine-types; the last row: names from older pages and examples, which
 * can still be deployed). Here, every machine type runs on this machine.
 */
export const machineTypes: readonly string[] = [
  ...['XS', 'S', 'M', 'L', 'XL'],
  ...['GPU-RTX4090', 'GPU-RTX5090', 'GPU-A100', 'GPU-L40', 'GPU-H100', 'GPU-H200', 'GPU-B200', 'GPU-A6000'],
  ...['GPU', 'GPU-T4', 'GPU-A100-40GB', 'GPU-A100-80GB', 'GPU-B300'],
];

/** Memory of the machine types in MiB, as the documentation lists it; the others aren't in its list. */
const memoryMib: { readonly [type: string]: number } = {
  XS: 512,
  S: 1024,
  M: 2 * 1024,
  L: 15 * 1024,
  XL: 30 * 1024,
  'GPU-RTX4090': 48 * 1024,
  'GPU-RTX5090': 60 * 1024,
  'GPU-A100': 60 * 1024,
  'GPU-L40': 100 * 1024,
  'GPU-H100': 112 * 1024,
  'GPU-H200': 112 * 1024,
  'GPU-B200': 210 * 1024,
  'GPU-A6000': 18 * 1024,
};

/** MiB of memory that a runner of this machine type has in the cloud; `undefined`: not documented. */
export function memoryOf(machineType: string): number | undefined {
  return Object.hasOwn(memoryMib, machineType) ? memoryMib[machineType] : undefined;
}

/** The smallest machine type of the same kind, with or without GPUs, that has more memory than this. */
export function roomierType(machineType: string, mib: number): string | undefined {
  const isGpu = machineType.startsWith('GPU');
  const [best] = Object.entries(memoryMib)
    .filter(([type, memory]) => type.startsWith('GPU') === isGpu && memory > mib)
    .sort(([, a], [, b]) => a - b);
  return best?.[0];
}

/**
 * The default where neither the code nor the alias names one, as the CLI states
 * (docs/platform/control-plane.md#scale-settings).
 */
export const defaultMachineType = 'XS';

/** The machine type that a runner starts on: the first of the list, which is in order of preference. */
export function firstMachineType(types: readonly string[] | undefined): string {
  return types?.[0] ?? defaultMachineType;
}

/**
 * The number of GPU slots that a runner takes on the first of these machine types: `num_gpus`, and at least one if the
 * type has GPUs.
 */
export function gpuSlotsOf(types: readonly string[], numGpus: number | null): number {
  return types[0]?.startsWith('GPU') ? Math.max(1, numGpus ?? 1) : 0;
}

/** A sentence if there is no such machine type, with a suggested name. */
export function machineTypeProblem(name: string): string | undefined {
  if (machineTypes.includes(name)) return undefined;
  const nearest = nearestMachineType(name);
  const advice = nearest === undefined ? `Choose one of ${machineTypes.join(', ')}.` : `Did you mean ${nearest}?`;
  return `There is no machine type ${JSON.stringify(name.slice(0, 60))}. ${advice}`;
}

/** The maximum distance from a name in the list at which a name still counts as a typo. */
const maxDistance = 2;

/** `gpu_h100`, `H100`, and `GPU-H10` mean GPU-H100; `undefined`: no name is close enough. */
function nearestMachineType(name: string): string | undefined {
  const wanted = core(name);
  // The closest one; if several are equally close, the first in the list.
  const [best] = machineTypes
    .map((type) => ({ type, distance: distance(wanted, core(type)) }))
    .sort((a, b) => a.distance - b.distance);
  if (best === undefined || wanted === '') return undefined;
  return best.distance === 0 || best.distance <= Math.min(maxDistance, wanted.length - 2) ? best.type : undefined;
}

function core(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '')
    .replace(/^(NVIDIA)?(GPU)?(RTX)?(?=.)/, '')
    .slice(0, 40);
}

/** Levenshtein distance: insertions, deletions, and replacements of one character. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
