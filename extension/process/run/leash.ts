import { spawn } from 'node:child_process';

/**
 * Waits for the end of its standard input, which the system closes however the parent ends, and then ends the process
 * group $1 as `stop` of a run does.
 */
const script = `
trap '' HUP INT TERM
cat > /dev/null
for signal in INT TERM KILL; do
  kill -s "$signal" -- "-$1" || exit 0
  waited=0
  while [ "$waited" -lt 50 ]; do
    kill -s 0 -- "-$1" || exit 0
    sleep 0.1
    waited=$((waited + 1))
  done
done`;

/** Ends this process group when the current process ends without `release`, even by SIGKILL. */
export function leash(group: number): { release(): void } {
  const child = spawn('sh', ['-c', script, 'sh', `${group}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {}); // without `sh`, only a killed helper would leave the group
  child.stdin.on('error', () => {});
  return { release: () => void child.kill('SIGKILL') };
}
