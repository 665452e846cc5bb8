/** Measures how long the thread is held up: from now until `end`, and since each `take`. */
export function measurePauses() {
  const everyMs = 5;
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - everyMs);
    last = now;
  }, everyMs);
  return {
    /** The longest time in which a timer could not run, since the last call. */
    take(): number {
      const taken = longest;
      longest = 0;
      return taken;
    },
    end(): number {
      clearInterval(timer);
      return longest;
    },
  };
}
