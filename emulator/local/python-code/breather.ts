/** How long a step of work in the background may hold the extension host. */
const sliceMs = 8;

/** Returns a function to call often: it pauses when the last pause was some milliseconds ago. */
export function breather(pause: () => Promise<void>): () => Promise<void> {
  let until = performance.now() + sliceMs;
  return async () => {
    if (performance.now() < until) return;
    await pause();
    until = performance.now() + sliceMs;
  };
}
