import { closeSync, readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;

/**
 * Closes what the starter's shell left open and every program that we start would inherit, user code included. Node has
 * taken the low numbers out of that by itself, those behind the first gap not. Linux; elsewhere, and where the editor's
 * own Node runs us, the supervisor alone keeps them from runners.
 */
export function closeInherited(): void {
  // Electron's descriptors are its own, and it ends the process when someone else closes one.
  if (process.platform !== 'linux' || 'electron' in process.versions) return;
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd <= 2 || !isInheritable(fd)) continue;
    try {
      closeSync(fd);
    } catch {
      // It is gone already.
    }
  }
}

function isInheritable(fd: number): boolean {
  try {
    const [, flags = ''] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    return flags !== '' && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The one with which the folder was read.
    return false;
  }
}
