/** Older answers are read from the history when they are shown again. */
const limits = { answers: 30, fileBytes: 256 * 1024 * 1024 };

/** The keys of the finished answers, oldest first in `answers`, for which there is no room any more. */
export function surplus<K>(
  answers: ReadonlyMap<K, { readonly isRunning: boolean; readonly file: { readonly bytes: Uint8Array } | undefined }>,
): readonly K[] {
  let [count, bytes] = [0, 0];
  return [...answers].toReversed().flatMap(([key, { isRunning, file }]) => {
    count += 1;
    bytes += file?.bytes.length ?? 0;
    return !isRunning && (count > limits.answers || bytes > limits.fileBytes) ? [key] : [];
  });
}
