import { readFileSync } from 'node:fs';

/**
 * The fields of a process's `stat` file in /proc by their number in proc(5), from 3 (its state) on. `undefined`: the
 * process is gone, or this system has no /proc.
 */
export function processStat(pid: number, procfs = '/proc'): ((number: number) => string | undefined) | undefined {
  try {
    const stat = readFileSync(`${procfs}/${pid}/stat`, 'utf8');
    // The name, field 2, is in parentheses and may hold any character.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (number) => fields[number - 3];
  } catch {
    return undefined;
  }
}
