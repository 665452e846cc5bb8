import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';

const closeOnExec = 0o2000000;

/**
 * Closes the descriptors that the starting shell left open. Otherwise every program that we start would inherit them,
 * user code included. Node itself claims the low numbers among them, but not those after the first gap. Linux only;
 * elsewhere, and where the editor's own Node runs us, only the supervisor keeps them from runners.
 */
export function closeInherited(): void {
  // Electron's descriptors are its own, and it ends the process if other code closes one.
  if (process.platform !== 'linux' || 'electron' in process.versions) return;
  // A thread of Node reads these files with descriptors that look inherited; this waits for it.
  if (process.env.NODE_EXTRA_CA_CERTS) getCACertificates('extra');
  if (process.env.NODE_USE_SYSTEM_CA || process.env.NODE_OPTIONS?.includes('--use-system-ca')) {
    getCACertificates('system');
  }
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd <= 2 || !isInheritable(fd)) continue;
    try {
      closeSync(fd);
    } catch {
      // It is already closed.
    }
  }
}

function isInheritable(fd: number): boolean {
  try {
    const [, flags = ''] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    return flags !== '' && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The descriptor with which the folder was read.
    return false;
  }
}
