/**
 * The platform's closed list (documentation: machine-types; the last row: names from older pages and examples, which
 * can still be deployed). Here, every machine type runs on this machine.
 */
export const machineTypes: readonly string[] = [
  ...['XS', 'S', 'M', 'L', 'XL'],
  ...['GPU-RTX4090', 'GPU-RTX5090', 'GPU-A100', 'GPU-L40', 'GPU-H100', 'GPU-H200', 'GPU-B200', 'GPU-A6000'],
  ...['GPU', 'GPU-T4', 'GPU-A100-40GB', 'GPU-A100-80GB', 'GPU-B300'],
];

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
export function nearestMachineType(name: string): string | undefined {
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
