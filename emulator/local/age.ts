/**
 * Formats how long something has lasted. Where the platform's time runs faster, the result is in platform time and
 * marked: `300 s (x60)`.
 */
export function age(realMs: number, timeScale: number): string {
  const seconds = Math.max(0, Math.floor((realMs * timeScale) / 1000));
  const mark = timeScale === 1 ? '' : ` (x${timeScale})`;
  if (seconds < 90) return `${seconds} s${mark}`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min${mark}` : `${(seconds / 3600).toFixed(1)} h${mark}`;
}
