/**
 * Where runners have no `/data` and `/app` of their own: what that means, and the next step. The usual reasons are a
 * container without privileges and Ubuntu 24.04's restriction of user namespaces.
 * @param why in the system's words; they may come from a runner's channel
 */
export function noRootWords(why: string): string {
  return (
    `Runners can't have /data and /app of their own on this machine (${why.slice(0, 200)}). Apps run without: their files and caches are in ` +
    'folders of the emulator, and what names /data or /app itself is not found. To allow it: on Ubuntu 24.04, ' +
    '`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`; in Docker, `--cap-add SYS_ADMIN --security-opt seccomp=unconfined ' +
    '--security-opt apparmor=unconfined`. Then start minifal again.'
  );
}
