/** `2.1 GB`, `340 MB`, `12 kB`: in powers of ten, as file managers show sizes. */
export function bytesText(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'] as const;
  let [value, at] = [bytes / 1000, 0];
  while (value >= 999.5 && at < units.length - 1) [value, at] = [value / 1000, at + 1];
  return `${value.toFixed(value < 9.95 && at > 0 ? 1 : 0)} ${units[at]}`;
}
