import type { Missing } from '../../wire/isolation.ts';

const consequences: { readonly [part in Missing['part']]: readonly [what: string, without: string] } = {
  folders: [
    "Runners can't have their own /data and /app on this machine",
    "Apps run without them: their files and caches are in the emulator's folders, and code that uses the path /data " +
      'or /app directly finds nothing there.',
  ],
  disk: [
    "Runners can't have their own disk on this machine",
    "Apps read this machine's files, and what they write outside /data and /app stays on it, including packages " +
      'that they install while they run.',
  ],
  writes: ["Runners can't have private copies of some folders on this machine", 'Apps can only read them.'],
  addresses: [
    "Runners can't have their own addresses on this machine",
    'Python servers are kept on loopback; a runner with another server that other machines can reach is stopped.',
  ],
  programs: [
    "Runners can't be kept away from this machine's other programs",
    'Apps can send signals to them, and connect to their abstract Unix sockets.',
  ],
};

/**
 * Explains what runners have to do without because a part of the isolation is missing, and the next step. The usual
 * reasons are a container without privileges and Ubuntu 24.04's restriction of user namespaces.
 */
export function describeMissing({ part, why }: Missing): string {
  const [what, without] = consequences[part];
  const intro = `${what} (${why.slice(0, 200)}). ${without} To allow it: `;
  if (part === 'programs') return `${intro}use Linux 6.12 or later, booted with \`landlock\` in its list \`lsm=\`.`;
  // The kernel's message where the number of namespaces is limited, mostly to none.
  if (why.includes('No space left on device'))
    return `${intro}\`sudo sysctl user.max_user_namespaces=15000\`. Then start minifal again.`;
  return (
    `${intro}on Ubuntu 24.04, ` +
    '`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in Docker, `--cap-add SYS_ADMIN ' +
    '--security-opt seccomp=unconfined --security-opt apparmor=unconfined`. Then start minifal again.'
  );
}

/** Collects the missing parts. The machine is the same for all runners, so each part is reported once. */
export function createMissing(onLimit: (sentence: string) => void) {
  const known = new Map<Missing['part'], Missing>();
  return {
    found(missing: readonly Missing[]): void {
      for (const one of missing) {
        if (known.has(one.part)) continue;
        known.set(one.part, one);
        onLimit(describeMissing(one));
      }
    },
    has: (part: Missing['part']): boolean => known.has(part),
    all: (): readonly Missing[] => [...known.values()],
  };
}
